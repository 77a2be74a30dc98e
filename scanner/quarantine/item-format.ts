import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { z } from 'zod'
import { ScanError } from '../errors.js'

/**
 * A quarantined file as it lies in the vault:
 *
 *     "PCQ1" | uint32 big-endian length of the header | header (JSON) |
 *     nonce (12) | item key, wrapped (32) | tag (16) |                      AES-256-GCM under the vault key
 *     nonce (12) | content, encrypted (size) | tag (16)                     AES-256-GCM under the item key
 *
 * The header is the authenticated data of both layers, so no field of it can be changed without the vault noticing.
 */

export const MAGIC = Buffer.from('PCQ1')
export const NONCE_BYTES = 12
export const KEY_BYTES = 32
export const TAG_BYTES = 16
/** Bytes between the header and the encrypted content. */
export const SEAL_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES + NONCE_BYTES
const MAX_HEADER_BYTES = 64 * 1024

const headerSchema = z.strictObject({
  version: z.literal(1),
  id: z.string(),
  /** Exact bytes of the absolute path. */
  path_base64: z.string(),
  mode: z.number().int(),
  uid: z.number().int(),
  gid: z.number().int(),
  /** Nanoseconds since the Unix epoch. */
  atime_ns: z.string(),
  mtime_ns: z.string(),
  size: z.number().int(),
  sha256: z.string(),
  /** Names under which the file was found. */
  reasons: z.array(z.string()),
  /** Other names of the same file, which quarantine cannot take away. */
  hard_links: z.number().int(),
  /** Milliseconds since the Unix epoch. */
  stored_at: z.number().int(),
})

export type ItemHeader = z.infer<typeof headerSchema>

/** Everything in front of the encrypted content. */
export interface ItemPrefix {
  readonly bytes: Buffer
  readonly header: Buffer
  readonly key: Buffer
  readonly nonce: Buffer
}

/** Makes the prefix of a new item, with a random key of its own wrapped by the vault key. */
export function makePrefix(header: ItemHeader, vaultKey: Buffer): ItemPrefix {
  const text = Buffer.from(JSON.stringify(header))
  const key = randomBytes(KEY_BYTES)
  const wrapNonce = randomBytes(NONCE_BYTES)
  const nonce = randomBytes(NONCE_BYTES)
  const wrap = createCipheriv('aes-256-gcm', vaultKey, wrapNonce).setAAD(text)
  const wrapped = Buffer.concat([wrap.update(key), wrap.final(), wrap.getAuthTag()])
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  return { bytes: Buffer.concat([MAGIC, length, text, wrapNonce, wrapped, nonce]), header: text, key, nonce }
}

/** Length of the whole prefix, told by its first eight bytes. */
export function prefixLength(start: Buffer, file: string): number {
  if (start.length < 8 || !start.subarray(0, 4).equals(MAGIC))
    throw new ScanError('QUARANTINE_DAMAGED', `${file} is not a quarantine item`)
  const header = start.readUInt32BE(4)
  if (header > MAX_HEADER_BYTES)
    throw new ScanError('QUARANTINE_DAMAGED', `${file}: header of ${header} bytes`)
  return 8 + header + SEAL_BYTES
}

/**
 * Opens a prefix: unwraps the item key, which proves that the header is the one that was stored.
 * @throws ScanError `QUARANTINE_DAMAGED`
 */
export function openPrefix(
  bytes: Buffer,
  vaultKey: Buffer,
  file: string,
): { prefix: ItemPrefix; header: ItemHeader } {
  if (bytes.length < 8 || bytes.length < prefixLength(bytes, file))
    throw new ScanError('QUARANTINE_DAMAGED', `${file} is cut short`)
  const end = prefixLength(bytes, file)
  const text = bytes.subarray(8, end - SEAL_BYTES)
  const seal = bytes.subarray(end - SEAL_BYTES, end)
  const wrapTag = NONCE_BYTES + KEY_BYTES
  let key: Buffer
  try {
    const unwrap = createDecipheriv('aes-256-gcm', vaultKey, seal.subarray(0, NONCE_BYTES)).setAAD(text)
    unwrap.setAuthTag(seal.subarray(wrapTag, wrapTag + TAG_BYTES))
    key = Buffer.concat([unwrap.update(seal.subarray(NONCE_BYTES, wrapTag)), unwrap.final()])
  } catch (cause) {
    throw new ScanError(
      'QUARANTINE_DAMAGED',
      `${file}: the header or the vault key is not the one it was stored with`,
      {
        cause,
      },
    )
  }
  const header = headerSchema.safeParse(JSON.parse(text.toString('utf8')))
  if (!header.success)
    throw new ScanError('QUARANTINE_DAMAGED', `${file}: unknown header`, { cause: header.error })
  return {
    prefix: {
      bytes: bytes.subarray(0, end),
      header: text,
      key,
      nonce: seal.subarray(SEAL_BYTES - NONCE_BYTES),
    },
    header: header.data,
  }
}

export const encryptContent = (prefix: ItemPrefix) =>
  createCipheriv('aes-256-gcm', prefix.key, prefix.nonce).setAAD(prefix.header)

export const decryptContent = (prefix: ItemPrefix, tag: Buffer) =>
  createDecipheriv('aes-256-gcm', prefix.key, prefix.nonce).setAAD(prefix.header).setAuthTag(tag)
