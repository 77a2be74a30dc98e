import { encodeHex, utf8Bytes, viewOf } from './bytes.js'
import type { ActionPayload } from './action.js'
import { decodeBase64 } from './base64.js'
import { isCanonicalObject } from './canonical-json.js'
import { parseEntry, verifyEntry } from './entry.js'
import type { Entry } from './entry.js'
import { ProofError } from './errors.js'
import { verifyPossession } from './key-possession.js'
import { NAME_PATTERN } from './kinds/members.js'
import { noteVerifier } from './note-key.js'
import type { NoteVerifier } from './note-key.js'
import type { PolicyAgent } from './policy.js'

/** What a key is for. `root` introduces and revokes the others; a `witness` signs no entries. */
export type KeyPurpose = 'root' | 'agent' | 'tool' | 'approver' | 'witness'
const REGISTRABLE: readonly KeyPurpose[] = ['agent', 'tool', 'approver', 'witness']

/** A key that the log knows, with the log indexes at which it may sign: `first` to `last`, both included. */
export interface DirectoryKey {
  readonly verifier: NoteVerifier
  readonly purpose: KeyPurpose
  /** Index of the entry that introduced it; 0 for the root key that verifiers pin. */
  readonly first: number
  /** Index of the entry that ended it. */
  readonly last?: number
  readonly end?: 'rotated' | 'revoked'
  /** The public key that it was rotated to, in lower-case hexadecimal. */
  readonly successor?: string
}

export interface KeyDirectoryOptions {
  /** Origin of the log: a proof of possession made for another log is none here. */
  readonly origin: string
  /** The operator's root key, pinned by the verifier. */
  readonly root: NoteVerifier
  /** Keys that no entry may introduce: the log's own and those of its witnesses. */
  readonly reserved?: readonly { readonly publicKey: Uint8Array; readonly role: string }[]
}

/** Whether actions of this kind change the directory of keys. */
export function isKeyKind(kind: string): boolean {
  return kind === 'key.register' || kind === 'key.rotate' || kind === 'key.revoke'
}

const KEY_KIND = viewOf(utf8Bytes('"kind":"key.'))

/**
 * Whether an entry may be about a key, without reading it: false for nearly all entries, and never for one that is. The
 * canonical form has one spelling of a member.
 */
export function mayBeKeyEntry(entry: Uint8Array): boolean {
  return viewOf(entry).includes(KEY_KIND)
}

/**
 * Who may sign, folded from the key entries of a log in their order. A key is valid from the entry that introduces it to
 * the entry that ends it. A public key is introduced once for ever: after its end it never comes back.
 *
 * Key entries carry their own signatures. Under a seal they would count at another index than their own.
 */
export class KeyDirectory {
  readonly #options: KeyDirectoryOptions
  readonly #keys: Map<string, DirectoryKey>
  /** Names to the public keys that bear them, oldest first. */
  readonly #names: Map<string, readonly string[]>
  #next = 0

  constructor(options: KeyDirectoryOptions) {
    this.#options = options
    this.#keys = new Map()
    this.#names = new Map()
    this.#put({ verifier: options.root, purpose: 'root', first: 0 })
  }

  /** A copy that changes by itself, to try what further entries would do. */
  clone(): KeyDirectory {
    const copy = new KeyDirectory(this.#options)
    for (const [id, key] of this.#keys) copy.#keys.set(id, key)
    for (const [name, ids] of this.#names) copy.#names.set(name, ids)
    copy.#next = this.#next
    return copy
  }

  /** Every key that ever was, in the order of introduction; the pinned root is the first. */
  get keys(): readonly DirectoryKey[] {
    return [...this.#keys.values()]
  }

  /** Keys of one name, the oldest first. */
  keysOf(name: string): readonly DirectoryKey[] {
    return (this.#names.get(name) ?? []).flatMap((id) => this.#keys.get(id) ?? [])
  }

  find(publicKey: Uint8Array): DirectoryKey | undefined {
    return this.#keys.get(encodeHex(publicKey))
  }

  /** Keys that may stand behind signature lines with these names, valid or not any more; witnesses' keys do not. */
  verifiersFor(signatures: readonly { readonly name: string }[]): readonly NoteVerifier[] {
    const names = new Set(signatures.map(({ name }) => name))
    return [...names].flatMap((name) =>
      this.keysOf(name)
        .filter(({ purpose }) => purpose !== 'witness')
        .map(({ verifier }) => verifier),
    )
  }

  /**
   * The key, when it may sign at a log index.
   *
   * @throws ProofError `unknown_key`, or `key_not_valid_at` that says when it was
   */
  assertValidAt(verifier: Pick<NoteVerifier, 'name' | 'publicKey'>, index: number): DirectoryKey {
    const key = this.find(verifier.publicKey)
    if (key === undefined || key.verifier.name !== verifier.name)
      throw new ProofError('unknown_key', `the log introduced no such key of ${verifier.name}`)
    const { first, last, end, successor } = key
    if (index >= first && (last === undefined || index <= last)) return key
    const until = last === undefined ? '' : ` until it was ${end} at index ${last}`
    const to = successor === undefined ? '' : ` to ${successor}`
    throw new ProofError(
      'key_not_valid_at',
      `the key ${verifier.name} is not valid at index ${index}: it was from ${first}${until}${to}`,
    )
  }

  /**
   * Takes in an entry of the log, in the order of indexes. Entries that are about no key change nothing. An entry that may
   * not change the directory throws and leaves it as it was.
   *
   * @param entry the entry's bytes
   * @throws ProofError `bad_signature` for a signature or a possession that fails, `unsigned` when the root (or the
   *   other key of a rotation, or the revoked key) did not sign, `unknown_key`, `key_not_valid_at`, `key_reused`,
   *   `weak_key`, `malformed_key`, or why the entry cannot be read
   */
  apply(index: number, entry: Uint8Array): void {
    if (!Number.isSafeInteger(index) || index < this.#next)
      throw new ProofError('inconsistent', `key entry ${index} comes after entry ${this.#next - 1}`)
    const parsed = parseEntry(entry)
    if (parsed.type === 'seal' || !isKeyKind(parsed.action.kind)) return
    if (parsed.type === 'sealed')
      throw new ProofError('unsigned', `${parsed.action.kind} carries its own signatures, never a seal's`)
    this.#change(index, parsed)
    this.#next = index + 1
  }

  #change(index: number, entry: Extract<Entry, { type: 'action' }>): void {
    const { action } = entry
    const subject = keyMember(action, 'key')
    const isNew = action.kind !== 'key.revoke'
    const known = this.verifiersFor(entry.note.signatures)
    const candidates = isNew && this.find(subject.publicKey) === undefined ? [...known, subject] : known
    const signers = verifyEntry(entry, candidates).verified.map(({ verifier }) => verifier)
    const introduced = (signer: NoteVerifier): boolean => isNew && signer === subject
    const valid = signers.flatMap((signer) => (introduced(signer) ? [] : [this.assertValidAt(signer, index)]))
    if (action.kind === 'key.register') this.#register(index, action, subject, valid)
    else if (action.kind === 'key.rotate')
      this.#rotate(index, action, subject, valid, signers.some(introduced))
    else this.#revoke(index, subject, valid)
  }

  #register(
    index: number,
    action: ActionPayload,
    subject: NoteVerifier,
    signers: readonly DirectoryKey[],
  ): void {
    this.#assertRoot(action, signers)
    const given = action['purpose']
    const purpose = REGISTRABLE.find((word) => word === (given ?? 'agent')) ?? 'agent'
    if (purpose !== 'witness' && !NAME_PATTERN.test(subject.name))
      throw new ProofError('malformed_key', `${subject.name} cannot be the name of an agent`)
    if (this.keysOf(subject.name).some((key) => key.purpose !== purpose))
      throw new ProofError('key_reused', `the name ${subject.name} stands for keys of another purpose`)
    this.#introduce(action, subject)
    this.#put({ verifier: subject, purpose, first: index })
  }

  #rotate(
    index: number,
    action: ActionPayload,
    subject: NoteVerifier,
    signers: readonly DirectoryKey[],
    isSignedByNew: boolean,
  ): void {
    const previous = this.assertValidAt(keyMember(action, 'previous'), index)
    if (previous.verifier.name !== subject.name)
      throw new ProofError('malformed_key', `a rotation keeps the name ${previous.verifier.name}`)
    this.#introduce(action, subject)
    if (!signers.includes(previous))
      throw new ProofError('unsigned', `the rotation is not signed by the old key of ${subject.name}`)
    if (!isSignedByNew)
      throw new ProofError('unsigned', `the rotation is not signed by the new key of ${subject.name}`)
    this.#put({ ...previous, last: index, end: 'rotated', successor: encodeHex(subject.publicKey) })
    this.#put({ verifier: subject, purpose: previous.purpose, first: index })
  }

  #revoke(index: number, subject: NoteVerifier, signers: readonly DirectoryKey[]): void {
    const key = this.assertValidAt(subject, index)
    if (!signers.some((signer) => signer === key || signer.purpose === 'root'))
      throw new ProofError('unsigned', `the revocation is signed neither by the root nor by the key itself`)
    this.#put({ ...key, last: index, end: 'revoked' })
  }

  #assertRoot(action: ActionPayload, signers: readonly DirectoryKey[]): void {
    if (!signers.some(({ purpose, verifier }) => purpose === 'root' && verifier.name === action.agent))
      throw new ProofError('unsigned', 'the registration is not signed by the root key')
  }

  /** Whether a key may be introduced: it is held by somebody, and was never anything in this log. */
  #introduce(action: ActionPayload, subject: NoteVerifier): void {
    const { origin, reserved = [] } = this.#options
    const id = encodeHex(subject.publicKey)
    if (this.#keys.has(id))
      throw new ProofError('key_reused', `the public key ${id} stands in the log already`)
    const role = reserved.find(({ publicKey }) => encodeHex(publicKey) === id)?.role
    if (role !== undefined)
      throw new ProofError('key_reused', `the public key of ${subject.name} is the one of the ${role}`)
    if (this.keysOf(subject.name).some(({ verifier }) => verifier.keyId === subject.keyId))
      throw new ProofError('key_reused', `another key of ${subject.name} has the same key id`)
    const { name, publicKey } = subject
    verifyPossession(
      { origin, name, publicKey, nonce: textMember(action, 'nonce') },
      textMember(action, 'possession'),
    )
  }

  #put(key: DirectoryKey): void {
    const id = encodeHex(key.verifier.publicKey)
    if (!this.#keys.has(id)) {
      const { name } = key.verifier
      this.#names.set(name, [...(this.#names.get(name) ?? []), id])
    }
    this.#keys.set(id, key)
  }
}

/** The lines of a policy for the keys of a directory: root and agents with their intervals, witnesses left out. */
export function policyAgents(directory: KeyDirectory): PolicyAgent[] {
  return directory.keys
    .filter(({ purpose }) => purpose !== 'witness')
    .map(({ verifier, purpose, first, last }) => ({
      verifier,
      first,
      ...(last === undefined ? {} : { last }),
      ...(purpose === 'root' ? { isRoot: true } : {}),
    }))
}

/** What {@link foldKeys} makes of a log. */
export interface FoldedKeys {
  readonly directory: KeyDirectory
  /** Key entries that change nothing, because they may not: each is a fault of the log that took them in. */
  readonly faults: readonly { readonly index: number; readonly error: ProofError }[]
}

/**
 * Folds the key entries of a log into the intervals of its keys.
 *
 * @param entries in the order of their indexes; those that are about no key may be left out
 * @throws ProofError `inconsistent` when they are not in order, or why one cannot be read
 */
export function foldKeys(
  entries: Iterable<{ readonly index: number; readonly entry: Uint8Array }>,
  options: KeyDirectoryOptions,
): FoldedKeys {
  const directory = new KeyDirectory(options)
  const faults: { index: number; error: ProofError }[] = []
  for (const { index, entry } of entries) {
    try {
      directory.apply(index, entry)
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
      faults.push({ index, error })
    }
  }
  return { directory, faults }
}

/** @throws ProofError `weak_key` or `malformed_key` */
function keyMember(action: ActionPayload, member: 'key' | 'previous'): NoteVerifier {
  const value = action[member]
  if (value === undefined || !isCanonicalObject(value))
    throw new ProofError('malformed_action', `action.${member} is no key`)
  const { name, public_key: encoded } = value
  const publicKey = typeof encoded === 'string' ? decodeBase64(encoded) : undefined
  if (typeof name !== 'string' || publicKey === undefined)
    throw new ProofError('malformed_action', `action.${member} is no key`)
  return noteVerifier(name, publicKey)
}

function textMember(action: ActionPayload, member: string): string {
  const value = action[member]
  if (typeof value !== 'string') throw new ProofError('malformed_action', `action.${member} is no text`)
  return value
}
