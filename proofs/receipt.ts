import { formatAnchor, parseAnchor } from './anchor-member.js'
import type { Anchor } from './anchor.js'
import { encodeBase64 } from './base64.js'
import type { CanonicalObject, CanonicalValue } from './canonical-json.js'
import { checkpointText, formatContainer, Members, parseContainer } from './container.js'
import { ProofError } from './errors.js'

/** Member `format` of a receipt; another version is another format. */
export const RECEIPT_FORMAT = 'portcullis.dev/receipt/v1'
/** Largest receipt file, in bytes. */
export const MAX_RECEIPT_BYTES = 512 * 1024
const CODE = 'malformed_receipt'

/** The seal of a sealed entry and where it stands. */
export interface ReceiptSeal {
  /** The seal's own entry, a signed note. */
  readonly entry: Uint8Array
  /** Its log index. */
  readonly index: number
  /** Inclusion proof of the seal under the receipt's checkpoint. */
  readonly proof: readonly Uint8Array[]
  /** Position of the entry among those that the seal covers, from 0. */
  readonly position: number
  /** Path from the entry to the root that the seal signs. */
  readonly path: readonly Uint8Array[]
}

/**
 * Everything that proves one entry offline, except whom to trust: that comes from the verifier's policy. A receipt holds
 * no key on purpose.
 */
export interface Receipt {
  /** The entry as it is in the log. */
  readonly entry: Uint8Array
  /** Its log index. */
  readonly index: number
  /** Inclusion proof of the entry under the checkpoint. */
  readonly proof: readonly Uint8Array[]
  /** Only for an entry without a signature of its own. */
  readonly seal?: ReceiptSeal
  /** The signed checkpoint with its cosignatures. */
  readonly checkpoint: Uint8Array
  /** Where that checkpoint stands on a chain. */
  readonly anchor?: Anchor
}

/** Writes a receipt file: canonical JSON and a newline. */
export function formatReceipt(receipt: Receipt): Uint8Array {
  const { seal, anchor } = receipt
  const container: CanonicalObject = {
    format: RECEIPT_FORMAT,
    checkpoint: checkpointText(receipt.checkpoint, CODE),
    entry: encodeBase64(receipt.entry),
    index: receipt.index,
    proof: receipt.proof.map(encodeBase64),
    ...(seal === undefined
      ? {}
      : {
          seal: {
            entry: encodeBase64(seal.entry),
            index: seal.index,
            path: seal.path.map(encodeBase64),
            position: seal.position,
            proof: seal.proof.map(encodeBase64),
          },
        }),
    ...(anchor === undefined ? {} : { anchor: formatAnchor(anchor) }),
  }
  const bytes = formatContainer(container)
  parseReceipt(bytes)
  return bytes
}

/**
 * Reads a receipt file. There is exactly one spelling of a receipt: canonical JSON, canonical base64, a final newline,
 * these members and no others.
 *
 * @throws ProofError `malformed_receipt`, `not_canonical`, `duplicate_key` or `too_large`
 */
export function parseReceipt(bytes: Uint8Array): Receipt {
  const value = parseContainer(bytes, CODE, { maxBytes: MAX_RECEIPT_BYTES, maxDepth: 4 })
  const members = new Members(
    value,
    CODE,
    'receipt',
    ['checkpoint', 'entry', 'format', 'index', 'proof'],
    ['anchor', 'seal'],
  )
  if (members.string('format') !== RECEIPT_FORMAT)
    throw new ProofError(CODE, `receipt.format is not ${RECEIPT_FORMAT}`)
  const seal = members.optional('seal')
  const anchor = members.optional('anchor')
  return {
    entry: members.bytes('entry'),
    index: members.integer('index'),
    proof: members.hashes('proof'),
    checkpoint: members.checkpoint('checkpoint'),
    ...(seal !== undefined && { seal: parseReceiptSeal(seal) }),
    ...(anchor !== undefined && { anchor: parseAnchor(anchor, CODE, 'receipt.anchor') }),
  }
}

function parseReceiptSeal(value: CanonicalValue): ReceiptSeal {
  const members = new Members(value, CODE, 'receipt.seal', ['entry', 'index', 'path', 'position', 'proof'])
  return {
    entry: members.bytes('entry'),
    index: members.integer('index'),
    proof: members.hashes('proof'),
    position: members.integer('position'),
    path: members.hashes('path'),
  }
}
