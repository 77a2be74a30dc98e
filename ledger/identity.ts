import { join } from 'node:path'
import { z } from 'zod'
import { encodeBase64 } from '../proofs/base64.js'
import { logOrigin } from '../proofs/checkpoint.js'
import { EMPTY_ROOT } from '../proofs/merkle.js'
import { encodeVkey } from '../proofs/note-key.js'
import type { NoteSigner } from '../proofs/note-key.js'
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
}

const logFile = z.strictObject({
  version: z.literal(1),
  origin: z.string(),
  vkey: z.string(),
  created: z.int(),
})

/**
 * Reads the identity of a log.
 *
 * @returns `undefined` when the folder was never initialised
 * @throws LedgerError `BAD_IDENTITY` when `log.json` and `key` do not belong together
 */
export async function readIdentity(folder: string): Promise<Identity | undefined> {
  const path = join(folder, 'log.json')
  const bytes = await readSecretFile(path)
  if (bytes === undefined) return undefined
  let stored: z.output<typeof logFile>
  try {
    stored = logFile.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (cause) {
    throw new LedgerError('BAD_IDENTITY', `${path} is not the description of a log`, { cause })
  }
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
  return { origin: stored.origin, vkey: stored.vkey, signer }
}

/**
 * Makes a log out of an empty folder: its key, the checkpoint of the empty tree, and last the file that says that all of it
 * is there. After a crash in between it goes on where it stopped.
 *
 * @param name what the origin starts with
 * @param now milliseconds since the Unix epoch
 */
export async function createIdentity(
  folder: string,
  store: IndexStore,
  name: string,
  now: number,
): Promise<Identity> {
  const entries = store.checkpoint?.size ?? 0
  if (entries > 0 && (await readKeyFile(join(folder, 'key'))) === undefined) {
    throw new LedgerError(
      'BAD_IDENTITY',
      `the key of a log of ${entries} entries is missing: restore ${folder}/key`,
    )
  }
  const signer = await openKeyFile(join(folder, 'key'), (publicKey) => logOrigin(name, publicKey))
  if (store.checkpoint === undefined) store.initialise({ size: 0, root: encodeBase64(EMPTY_ROOT), time: now })
  const vkey = encodeVkey(signer)
  const description = { version: 1, origin: signer.name, vkey, created: now }
  await writePrivateFile(join(folder, 'log.json'), `${JSON.stringify(description)}\n`)
  return { origin: signer.name, vkey, signer }
}
