/**
 * A request to register a key: what a role of this machine leaves for the ledger, and what an operator carries to the
 * machine of the root key. It proves that the key is held, and holds no secret.
 */
import { randomBytes } from 'node:crypto'
import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { decodeBase64, encodeBase64 } from '../../proofs/base64.js'
import { ProofError } from '../../proofs/errors.js'
import { provePossession, verifyPossession } from '../../proofs/key-possession.js'
import type { KeyClaim } from '../../proofs/key-actions.js'
import { NAME_PATTERN } from '../../proofs/kinds/members.js'
import { formatKeyId, isKeyName, noteVerifier } from '../../proofs/note-key.js'
import type { NoteSigner } from '../../proofs/note-key.js'
import { privateFolder, readSecretFile, writePrivateFile } from '../../runtime/data-folder.js'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { LedgerError } from '../errors.js'

export const REQUEST_FORMAT = 'portcullis.dev/key-request/v1'
const SUFFIX = '.request.json'

const requestFile = z.strictObject({
  format: z.literal(REQUEST_FORMAT),
  origin: z.string().refine(isKeyName, 'must be the origin of a log'),
  name: z.string().refine(isKeyName, 'must be the name of a key'),
  public_key: z.base64(),
  purpose: z.enum(['agent', 'tool', 'approver', 'witness']),
  nonce: z.string().regex(/^[0-9a-f]{32,64}$/),
  possession: z.base64(),
})

/** A request whose proof holds. */
export interface KeyRequest extends KeyClaim {
  readonly origin: string
  readonly purpose: NonNullable<KeyClaim['purpose']>
}

/** Asks for the registration of a key with a log. */
export function makeRequest(
  key: NoteSigner,
  origin: string,
  purpose: KeyRequest['purpose'] = 'agent',
): KeyRequest {
  const { name, publicKey } = key
  const nonce = randomBytes(16).toString('hex')
  return {
    origin,
    name,
    publicKey,
    purpose,
    nonce,
    possession: provePossession({ origin, name, nonce }, key),
  }
}

export function formatRequest({ publicKey, ...rest }: KeyRequest): string {
  return `${JSON.stringify({ format: REQUEST_FORMAT, ...rest, public_key: encodeBase64(publicKey) })}\n`
}

/**
 * Reads a request and checks its proof of possession.
 *
 * @param where names it in errors
 * @throws LedgerError `BAD_KEY_REQUEST` when it cannot be read; ProofError `weak_key`, `malformed_key`, `bad_signature`
 */
export function parseRequest(bytes: Uint8Array, where: string): KeyRequest {
  let fields: z.output<typeof requestFile>
  try {
    fields = requestFile.parse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  } catch (cause) {
    throw new LedgerError('BAD_KEY_REQUEST', `${where} is not a request to register a key`, { cause })
  }
  const { format: _, public_key: encoded, ...rest } = fields
  const publicKey = decodeBase64(encoded)
  if (publicKey === undefined)
    throw new ProofError('malformed_key', `${where}: public_key is not canonical base64`)
  verifyPossession({ ...rest, publicKey }, rest.possession)
  return { ...rest, publicKey }
}

/** Where requests of this machine wait. */
export function requestFolder(ledgerFolder: string): string {
  return join(ledgerFolder, 'requests')
}

/** File name of the request of a key; names may hold slashes, and a name that no agent can have has no file. */
export function requestFileName(line: { readonly name: string; readonly keyId: number }): string | undefined {
  if (!NAME_PATTERN.test(line.name)) return undefined
  return `${line.name.replaceAll('/', '%2F')}.${formatKeyId(line.keyId)}${SUFFIX}`
}

/** Leaves a request where the ledger finds it; one that is there already stays. */
export async function leaveRequest(ledgerFolder: string, key: NoteSigner, origin: string): Promise<void> {
  const name = requestFileName(key)
  if (name === undefined) throw new LedgerError('BAD_KEY', `${key.name} cannot be the name of an agent`)
  const folder = await privateFolder(requestFolder(ledgerFolder))
  await writePrivateFile(join(folder, name), formatRequest(makeRequest(key, origin)))
}

export async function listRequests(ledgerFolder: string): Promise<readonly string[]> {
  try {
    return (await readdir(requestFolder(ledgerFolder))).filter((name) => name.endsWith(SUFFIX)).sort()
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

/** A request of the folder; `undefined` when it is gone, an error when it is damaged. */
export async function readRequest(
  ledgerFolder: string,
  file: string,
): Promise<KeyRequest | { readonly error: string } | undefined> {
  const path = join(requestFolder(ledgerFolder), file)
  try {
    const bytes = await readSecretFile(path)
    if (bytes === undefined) return undefined
    const request = parseRequest(bytes, path)
    if (requestFileName(noteVerifier(request.name, request.publicKey)) !== file)
      return { error: `${path} holds the request of another key` }
    return request
  } catch (error) {
    return { error: `${codeOf(error) ?? 'ERROR'}: ${messageOf(error)}` }
  }
}

export async function removeRequest(ledgerFolder: string, file: string): Promise<void> {
  await unlink(join(requestFolder(ledgerFolder), file)).catch((error: unknown) => {
    if (codeOf(error) !== 'ENOENT') throw error
  })
}
