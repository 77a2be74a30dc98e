/** Agents, actions and logs for the tests of this folder. */
import { join } from 'node:path'
import { formatAction, signAction } from '../../proofs/action.js'
import type { ActionPayload } from '../../proofs/action.js'
import { generateSeed } from '../../proofs/ed25519.js'
import { noteSigner } from '../../proofs/note-key.js'
import type { NoteSigner } from '../../proofs/note-key.js'
import { sealBatch } from '../../proofs/seal.js'
import { createLogger } from '../../runtime/log.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { admit } from '../../ledger/admission.js'
import { registerAgentKey } from '../../ledger/agents.js'
import { realDisk } from '../../ledger/disk.js'
import { openLog } from '../../ledger/log.js'
import type { Appended, Log, LogOptions } from '../../ledger/log.js'

export const clock = { now: () => Date.now() }
export const silent = createLogger({ level: 'silent', role: 'test' })

export function agent(name: string): NoteSigner {
  return noteSigner(name, generateSeed())
}

/** Opens a log of a folder with the agents registered. */
export async function open(
  folder: string,
  agents: readonly NoteSigner[],
  options: Partial<LogOptions> = {},
): Promise<Log> {
  const log = await openLog({ folder, disk: realDisk, clock, log: silent, name: 'test', ...options })
  for (const key of agents) await registerAgentKey(join(folder, 'agents'), key)
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
  return (await log.append(await admit(entries, log.agents))).flat()
}

export const indexes = (appended: readonly Appended[]): number[] => appended.map(({ index }) => index)
