import { join } from 'node:path'
import { z } from 'zod'
import { encodeBase64 } from '../proofs/base64.js'
import { equalBytes } from '../proofs/bytes.js'
import { logOrigin } from '../proofs/checkpoint.js'
import { EMPTY_ROOT } from '../proofs/merkle.js'
import { decodeVkey, encodeVkey, SIGNATURE_TYPES } from '../proofs/note-key.js'
import type { NoteSigner, NoteVerifier } from '../proofs/note-key.js'
import { readSecretFile, writePrivateFile } from '../runtime/data-folder.js'
import { LedgerError } from './errors.js'
import type { IndexStore } from './index-store.js'
import { openKeyFile, readKeyFile } from './key-file.js'

/** Who this log is. */
export interface Identity {
  /** The name on its checkpoints; it never changes. */
  readonly origin: string
  readonly vkey: string
  readonly signer: NoteSigner
  /** The operator's root key with which the directory of keys begins. */
  readonly root: NoteVerifier
}

const logFile = z.strictObject({
  version: z.literal(2),
  origin: z.string(),
  vkey: z.string(),
  root: z.string(),
  created: z.int(),
})
/** Before keys were in the log there was no root. */
const logFileWithoutRoot = logFile.omit({ root: true }).extend({ version: z.literal(1) })
type LogFile = z.output<typeof logFile> | z.output<typeof logFileWithoutRoot>
type RootKey = () => Promise<Pick<NoteVerifier, 'name' | 'publicKey'>>

/** The origin of the log of a folder, for those who need no key of it; `undefined` when there is no log yet. */
export async function readOrigin(folder: string): Promise<string | undefined> {
  return (await readLogFile(folder))?.origin
}

async function readLogFile(folder: string): Promise<LogFile | undefined> {
  const path = join(folder, 'log.json')
  const bytes = await readSecretFile(path)
  if (bytes === undefined) return undefined
  try {
    return z.union([logFile, logFileWithoutRoot]).parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (cause) {
    throw new LedgerError('BAD_IDENTITY', `${path} is not the description of a log`, { cause })
  }
}

/**
 * Reads the identity of a log. One that was begun before keys were in the log gets its root now.
 *
 * @returns `undefined` when the folder was never initialised
 * @throws LedgerError `BAD_IDENTITY` when `log.json` and `key` do not belong together
 */
export async function readIdentity(folder: string, root?: RootKey): Promise<Identity | undefined> {
  const stored = await readLogFile(folder)
  if (stored === undefined) return undefined
  const signer = await readKeyFile(join(folder, 'key'))
  if (signer === undefined) {
    throw new LedgerError(
      'BAD_IDENTITY',
      `the key of ${stored.origin} is missing: restore ${join(folder, 'key')}`,
    )
  }
  if (signer.name !== stored.origin || encodeVkey(signer) !== stored.vkey) {
    throw new LedgerError('BAD_IDENTITY', `the key in ${folder} is not the one of ${stored.origin}`)
  }
  const described = 'root' in stored ? stored : await addRoot(folder, stored, root)
  return { origin: stored.origin, vkey: stored.vkey, signer, root: decodeVkey(described.root) }
}

async function addRoot(
  folder: string,
  stored: z.output<typeof logFileWithoutRoot>,
  root: RootKey | undefined,
): Promise<z.output<typeof logFile>> {
  if (root === undefined)
    throw new LedgerError('BAD_IDENTITY', `${stored.origin} has no root key yet: start its ledger once`)
  const described = { ...stored, version: 2 as const, root: vkeyOf(await root()) }
  await writePrivateFile(join(folder, 'log.json'), `${JSON.stringify(described)}\n`)
  return described
}

function vkeyOf({ name, publicKey }: Pick<NoteVerifier, 'name' | 'publicKey'>): string {
  return encodeVkey({ name, publicKey, type: SIGNATURE_TYPES.ed25519 })
}

/**
 * Makes a log out of an empty folder: its key, the root's, the checkpoint of the empty tree, and last the file that says that
 * all of it is there. After a crash in between it goes on where it stopped.
 *
 * @param name what the origin starts with
 * @param root gives the operator's root key, whose public half is pinned
 * @param now milliseconds since the Unix epoch
 * @throws LedgerError `BAD_IDENTITY` when the log has entries but no key, or when root and log share a key
 */
export async function createIdentity(
  folder: string,
  store: IndexStore,
  { name, root, now }: { readonly name: string; readonly root: RootKey; readonly now: number },
): Promise<Identity> {
  const entries = store.checkpoint?.size ?? 0
  if (entries > 0 && (await readKeyFile(join(folder, 'key'))) === undefined) {
    throw new LedgerError(
      'BAD_IDENTITY',
      `the key of a log of ${entries} entries is missing: restore ${folder}/key`,
    )
  }
  const signer = await openKeyFile(join(folder, 'key'), (publicKey) => logOrigin(name, publicKey))
  const rootKey = await root()
  if (equalBytes(rootKey.publicKey, signer.publicKey))
    throw new LedgerError('BAD_IDENTITY', 'the root key and the key of the log must differ')
  if (store.checkpoint === undefined) store.initialise({ size: 0, root: encodeBase64(EMPTY_ROOT), time: now })
  const described: z.output<typeof logFile> = {
    version: 2,
    origin: signer.name,
    vkey: encodeVkey(signer),
    root: vkeyOf(rootKey),
    created: now,
  }
  await writePrivateFile(join(folder, 'log.json'), `${JSON.stringify(described)}\n`)
  return { origin: described.origin, vkey: described.vkey, signer, root: decodeVkey(described.root) }
}
