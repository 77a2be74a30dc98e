import { createHash, createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto'
import { z } from 'zod'
import { ScanError } from '../errors.js'

/**
 * Signatures (YARA rules and hash lists) as one signed file:
 *
 *     "PCSB1\n" | uint32 big-endian length of the manifest | manifest (JSON) | Ed25519 signature (64) | files, one after another
 *
 * What is signed is `DOMAIN` and the manifest, which holds size and SHA-256 of every file. Nothing of the files is looked
 * at before all of it holds.
 */

const MAGIC = Buffer.from('PCSB1\n')
const DOMAIN = Buffer.from('portcullis.dev/signatures/v1\n')
const SIGNATURE_BYTES = 64
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024
/** Bytes of a whole bundle. */
export const MAX_BUNDLE_BYTES = 512 * 1024 * 1024

/** Where a file may lie: flat, so that no name leads anywhere else. */
const PLACE =
  /^(?:yara\/(?:pack\.json|[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.yara?)|hashes\/[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.txt)$/

const manifestSchema = z.strictObject({
  format: z.literal('portcullis.dev/signatures/v1'),
  /** Grows with every bundle; an installed one is never replaced by an older one. */
  version: z.number().int().min(1),
  created: z.iso.datetime(),
  files: z
    .array(
      z.strictObject({
        path: z.string().regex(PLACE),
        size: z.number().int().min(0).max(MAX_BUNDLE_BYTES),
        sha256: z.string().regex(/^[0-9a-f]{64}$/),
      }),
    )
    .min(1)
    .max(10_000)
    .refine(
      (files) => new Set(files.map(({ path }) => path.toLowerCase())).size === files.length,
      'a path twice',
    ),
})

export type Manifest = z.output<typeof manifestSchema>

export interface BundleFile {
  readonly path: string
  readonly content: Uint8Array
}

export interface Bundle {
  readonly manifest: Manifest
  readonly files: readonly BundleFile[]
}

const KEY_TEXT = /^ed25519:([A-Za-z0-9+/]{43}=)$/
/** What stands before the 32 bytes of an Ed25519 key in its DER form (RFC 8410, section 4). */
const DER_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')

/** A public key as configuration holds it. */
export const publicKeyText = (privateKey: KeyObject): string =>
  'ed25519:' +
  createPublicKey(privateKey)
    .export({ format: 'der', type: 'spki' })
    .subarray(DER_PREFIX.length)
    .toString('base64')

export const isPublicKeyText = (text: string): boolean => KEY_TEXT.test(text)

/** @throws ScanError `SIGNATURES_KEY` */
export function parsePublicKey(text: string): KeyObject {
  const [, base64 = ''] = KEY_TEXT.exec(text) ?? []
  try {
    const key = Buffer.concat([DER_PREFIX, Buffer.from(base64, 'base64')])
    return createPublicKey({ key, format: 'der', type: 'spki' })
  } catch (cause) {
    throw new ScanError('SIGNATURES_KEY', `${JSON.stringify(text)} is not a key such as ed25519:…=`, {
      cause,
    })
  }
}

/** @param pem PKCS #8 @throws ScanError `SIGNATURES_KEY` */
export function parsePrivateKey(pem: Uint8Array): KeyObject {
  try {
    const key = createPrivateKey(Buffer.from(pem))
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Its text could be in the error.
  }
  throw new ScanError('SIGNATURES_KEY', 'this is not an Ed25519 private key in PEM')
}

/** Makes a bundle. @throws ScanError `SIGNATURES_REFUSED` for a file that may not be in one */
export function buildBundle(
  files: readonly BundleFile[],
  { version, created, key }: { readonly version: number; readonly created: Date; readonly key: KeyObject },
): Buffer {
  const manifest = manifestSchema.safeParse({
    format: 'portcullis.dev/signatures/v1',
    version,
    created: created.toISOString(),
    files: files.map(({ path, content }) => ({ path, size: content.length, sha256: digest(content) })),
  })
  if (!manifest.success) throw refused(`it cannot be made: ${problems(manifest.error)}`)
  const text = Buffer.from(JSON.stringify(manifest.data))
  const length = Buffer.alloc(4)
  length.writeUInt32BE(text.length)
  const bytes = Buffer.concat([
    MAGIC,
    length,
    text,
    sign(null, Buffer.concat([DOMAIN, text]), key),
    ...files.map(({ content }) => content),
  ])
  if (bytes.length > MAX_BUNDLE_BYTES) throw refused(`it would have more than ${MAX_BUNDLE_BYTES} bytes`)
  return bytes
}

/**
 * Opens a bundle, if one of the keys has signed it.
 * @throws ScanError `SIGNATURES_UNTRUSTED`, `SIGNATURES_REFUSED`
 */
export function openBundle(bytes: Buffer, keys: readonly KeyObject[]): Bundle {
  const start = MAGIC.length + 4
  if (bytes.length < start || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) throw refused('it is none')
  const end = start + bytes.readUInt32BE(MAGIC.length)
  if (end - start > MAX_MANIFEST_BYTES || end + SIGNATURE_BYTES > bytes.length)
    throw refused('it is cut short')
  const text = bytes.subarray(start, end)
  const signed = Buffer.concat([DOMAIN, text])
  const signature = bytes.subarray(end, end + SIGNATURE_BYTES)
  if (!keys.some((key) => verify(null, signed, key, signature)))
    throw new ScanError('SIGNATURES_UNTRUSTED', 'none of the trusted keys has signed this bundle')
  let json: unknown
  try {
    json = JSON.parse(text.toString('utf8'))
  } catch (cause) {
    throw refused('its manifest is no JSON', cause)
  }
  const manifest = manifestSchema.safeParse(json)
  if (!manifest.success) throw refused(problems(manifest.error), manifest.error)
  let at = end + SIGNATURE_BYTES
  const files = manifest.data.files.map(({ path, size, sha256 }) => {
    const content = bytes.subarray(at, (at += size))
    if (content.length !== size || digest(content) !== sha256) throw refused(`${path} is not what was signed`)
    return { path, content }
  })
  if (at !== bytes.length) throw refused('there is more in it than was signed')
  return { manifest: manifest.data, files }
}

const digest = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

const problems = (error: z.ZodError): string =>
  error.issues
    .slice(0, 3)
    .map(({ path, message }) => `${path.join('.')}: ${message}`)
    .join('; ')

const refused = (why: string, cause?: unknown): ScanError =>
  new ScanError('SIGNATURES_REFUSED', `the signature bundle is refused: ${why}`, { cause })
