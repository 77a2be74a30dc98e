import { formatAnchor, parseAnchor } from './anchor-member.js'
import type { Anchor } from './anchor.js'
import { encodeBase64 } from './base64.js'
import { viewOf } from './bytes.js'
import type { CanonicalObject, CanonicalValue } from './canonical-json.js'
import { checkpointText, formatContainer, Members, parseContainer } from './container.js'
import { ProofError } from './errors.js'
import { NAME_PATTERN } from './kinds/members.js'

/** Member `format` of a session bundle; another version is another format. */
export const BUNDLE_FORMAT = 'portcullis.dev/bundle/v1'
/** Largest bundle file, in bytes: room for the largest batch that one seal can cover. */
export const MAX_BUNDLE_BYTES = 64 * 1024 * 1024
/** Most entries of a bundle: those of the largest batch, its seal, and as many again before them. */
export const MAX_BUNDLE_ENTRIES = 131_072
const CODE = 'malformed_bundle'
/** Most hashes of the proof; the size of the file bounds them before this does. */
const MAX_HASHES = 1_000_000

/** An entry and its log index. */
export interface BundleEntry {
  readonly index: number
  /** The entry as it is in the log. */
  readonly entry: Uint8Array
}

/**
 * A session's entries with one checkpoint and one proof, for verification offline. Like a receipt it holds no key. The
 * seals of its batches are among the entries; a batch is in it as a whole or not at all.
 */
export interface SessionBundle {
  readonly session: string
  /** All entries of the session, and no others, ascending by log index. */
  readonly entries: readonly BundleEntry[]
  /** Inclusion of all of them under the checkpoint, see `multiProof`. */
  readonly proof: readonly Uint8Array[]
  /** The signed checkpoint with its cosignatures. */
  readonly checkpoint: Uint8Array
  /** Where that checkpoint stands on a chain. */
  readonly anchor?: Anchor
  /** Set when entries below this log index were left out. */
  readonly from?: number
  /** Set when entries from this log index on were left out. */
  readonly next?: number
}

/**
 * Writes a bundle file: canonical JSON and a newline.
 *
 * @throws ProofError as {@link parseSessionBundle}
 */
export function formatSessionBundle(bundle: SessionBundle): Uint8Array {
  const { session, entries, proof, checkpoint, anchor, from, next } = bundle
  const container: CanonicalObject = {
    format: BUNDLE_FORMAT,
    session,
    checkpoint: checkpointText(checkpoint, CODE),
    entries: entries.map(({ index, entry }) => ({ index, entry: encodeBase64(entry) })),
    proof: proof.map(encodeBase64),
    ...(anchor === undefined ? {} : { anchor: formatAnchor(anchor) }),
    ...(from === undefined ? {} : { from }),
    ...(next === undefined ? {} : { next }),
  }
  const bytes = formatContainer(container)
  parseSessionBundle(bytes)
  return bytes
}

/**
 * Reads a bundle file. There is exactly one spelling of a bundle, as there is of a receipt.
 *
 * @throws ProofError `malformed_bundle`, `not_canonical`, `duplicate_key` or `too_large`
 */
export function parseSessionBundle(bytes: Uint8Array): SessionBundle {
  const value = parseContainer(bytes, CODE, { maxBytes: MAX_BUNDLE_BYTES, maxDepth: 3 })
  const required = ['checkpoint', 'entries', 'format', 'proof', 'session']
  const members = new Members(value, CODE, 'bundle', required, ['anchor', 'from', 'next'])
  if (members.string('format') !== BUNDLE_FORMAT)
    throw new ProofError(CODE, `bundle.format is not ${BUNDLE_FORMAT}`)
  const session = members.string('session')
  if (!NAME_PATTERN.test(session)) throw new ProofError(CODE, 'bundle.session is not the name of a session')
  const entries = members.list('entries', MAX_BUNDLE_ENTRIES).map(parseBundleEntry)
  if (entries.length === 0) throw new ProofError(CODE, 'bundle.entries is empty')
  entries.forEach(({ index }, i) => {
    const previous = entries[i - 1]
    if (previous !== undefined && previous.index >= index)
      throw new ProofError(CODE, `bundle.entries[${i}].index is not above the one before it`)
  })
  const anchor = members.optional('anchor')
  const has = (key: string) => members.optional(key) !== undefined
  return {
    session,
    entries,
    proof: members.hashes('proof', MAX_HASHES),
    checkpoint: members.checkpoint('checkpoint'),
    ...(anchor !== undefined && { anchor: parseAnchor(anchor, CODE, 'bundle.anchor') }),
    ...(has('from') ? { from: members.integer('from') } : {}),
    ...(has('next') ? { next: members.integer('next') } : {}),
  }
}

function parseBundleEntry(value: CanonicalValue, i: number): BundleEntry {
  const members = new Members(value, CODE, `bundle.entries[${i}]`, ['entry', 'index'])
  return { index: members.integer('index'), entry: members.bytes('entry') }
}

const FORMAT_MEMBER = `"format":"${BUNDLE_FORMAT}"`

/**
 * Whether bytes call themselves a session bundle; anything else is read as a receipt. A quotation mark inside a JSON
 * string is escaped, so these bytes can only be the member itself.
 */
export function isSessionBundle(bytes: Uint8Array): boolean {
  return viewOf(bytes).includes(FORMAT_MEMBER)
}
