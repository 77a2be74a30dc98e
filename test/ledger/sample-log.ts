/** Agents, actions and logs for the tests of this folder. */
import { join } from 'node:path'
import { formatAction, signAction } from '../../proofs/action.js'
import type { ActionPayload } from '../../proofs/action.js'
import { generateSeed } from '../../proofs/ed25519.js'
import { signRegistration } from '../../proofs/key-actions.js'
import { encodeSecretKey, noteSigner } from '../../proofs/note-key.js'
import type { NoteSigner } from '../../proofs/note-key.js'
import { sealBatch } from '../../proofs/seal.js'
import { createPrivateFile, privateFolder } from '../../runtime/data-folder.js'
import { createLogger } from '../../runtime/log.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { admit } from '../../ledger/admission.js'
import { realDisk } from '../../ledger/disk.js'
import { readOrigin } from '../../ledger/identity.js'
import { leaveRequest, makeRequest } from '../../ledger/keys/request.js'
import { rootKeyFile } from '../../ledger/keys/root.js'
import { openLog } from '../../ledger/log.js'
import type { Appended, Log, LogOptions } from '../../ledger/log.js'

export const clock = { now: () => Date.now() }
export const silent = createLogger({ level: 'silent', role: 'test' })

const seeds = new WeakMap<NoteSigner, Uint8Array>()

export function agent(name: string): NoteSigner {
  const seed = generateSeed()
  const signer = noteSigner(name, seed)
  seeds.set(signer, seed)
  return signer
}

/**
 * Lets an agent sign in the log of a data folder. One that comes before the log becomes its root key, which needs no
 * registration, so that the first entry is the test's own; any other asks for registration as a role does.
 */
export async function trust(data: string, key: NoteSigner): Promise<void> {
  const folder = join(data, 'ledger')
  const origin = await readOrigin(folder)
  const seed = seeds.get(key)
  if (origin !== undefined) return leaveRequest(folder, key, origin)
  await privateFolder(data, 'keys')
  if (seed === undefined || !(await createPrivateFile(rootKeyFile(data), encodeSecretKey(key.name, seed))))
    throw new Error('only one agent can be the root: trust the others once the log is there')
}

/** Opens a log of a folder with the agents registered; the first is the root of a new one. */
export async function open(
  folder: string,
  agents: readonly NoteSigner[],
  options: Partial<LogOptions> = {},
): Promise<Log> {
  const [root = agent('root')] = agents
  const log = await openLog({
    folder,
    disk: realDisk,
    clock,
    log: silent,
    name: 'test',
    root: async () => root,
    ...options,
  })
  for (const key of agents) {
    if (log.keys.directory.find(key.publicKey) !== undefined) continue
    const now = clock.now()
    const request = makeRequest(key, log.identity.origin)
    const entry = signRegistration(request, root, { id: uuidv7(now), session: 'keys', ts: now })
    await log.append(await admit([entry], log.keys))
  }
  return log
}

/** A payload that differs from others in its id alone, unless told otherwise. */
export function decision(agent: string, changes: Partial<ActionPayload> = {}): ActionPayload {
  return {
    v: 1,
    id: uuidv7(Date.now()),
    agent,
    session: 'session-1',
    seq: 0,
    ts: 1_700_000_000_000,
    kind: 'decision',
    policy: { id: 'test', rev: '1', decision: 'allow' },
    ...changes,
  }
}

export function note(signer: NoteSigner, changes: Partial<ActionPayload> = {}): Uint8Array {
  return signAction(decision(signer.name, changes), [signer])
}

/** Actions `first` to `first + count - 1` of a session, and the seal behind them. */
export function batch(signer: NoteSigner, first: number, count: number, session = 'session-1'): Uint8Array[] {
  const entries = Array.from({ length: count }, (_, i) =>
    formatAction(decision(signer.name, { session, seq: first + i })),
  )
  return [...entries, sealBatch({ agent: signer.name, session, first, entries }, signer)]
}

export async function append(log: Log, entries: readonly Uint8Array[]): Promise<readonly Appended[]> {
  return (await log.append(await admit(entries, log.keys))).flat()
}

export const indexes = (appended: readonly Appended[]): number[] => appended.map(({ index }) => index)
