/** The operator's root key: made with the log, meant to be moved to where only the operator reaches it. */
import { join } from 'node:path'
import type { NoteSigner } from '../../proofs/note-key.js'
import type { Logger } from '../../runtime/log.js'
import { openKeyFile, readKey, readKeyFile } from '../key-file.js'
import type { LogKeys } from './log-keys.js'

/** Name of a root key that is made here; one that is brought along may have any name. */
export const ROOT_NAME = 'root'

export interface RootSource {
  /** The data folder. */
  readonly data: string
  /** `ledger.root_key`; the file below when left out. */
  readonly reference?: string
  readonly env: Readonly<Record<string, string | undefined>>
}

export function rootKeyFile(data: string): string {
  return join(data, 'keys', 'root')
}

/** The root key, made in its file when there is none and no other place is configured. */
export function openRoot({ data, reference, env }: RootSource): Promise<NoteSigner> {
  return reference === undefined ? openKeyFile(rootKeyFile(data), ROOT_NAME) : readKey(reference, env)
}

/** The root key that is at hand, whosever it is; `undefined` when there is none. */
export async function findRoot({ data, reference, env }: RootSource): Promise<NoteSigner | undefined> {
  return reference === undefined ? readKeyFile(rootKeyFile(data)) : readKey(reference, env)
}

/** The root key while it is at hand: `undefined` once its file was moved away, or when it is not this log's any more. */
export async function readRoot(
  source: RootSource,
  keys: LogKeys,
  log: Logger,
): Promise<NoteSigner | undefined> {
  const root = await findRoot(source)
  if (root === undefined) return undefined
  const known = keys.directory.find(root.publicKey)
  if (known?.purpose === 'root' && known.last === undefined && known.verifier.name === root.name) return root
  log.warn(
    { name: root.name, end: known?.end },
    'the root key at hand is not the one of this log: registrations wait',
  )
  return undefined
}
