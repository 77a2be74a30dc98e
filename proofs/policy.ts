import { Buffer } from 'node:buffer'
import { formatAnchorLine, parseAnchorLine } from './anchor-policy.js'
import type { PolicyAnchor } from './anchor-policy.js'
import { decodeUtf8, encodeHex, utf8Bytes, viewOf } from './bytes.js'
import { parseDecimal } from './checkpoint.js'
import { ProofError } from './errors.js'
import { formatInterval, parseInterval } from './interval.js'
import type { Interval } from './interval.js'
import { decodeVkey, encodeVkey, SIGNATURE_TYPES } from './note-key.js'
import type { NoteVerifier, SignatureType } from './note-key.js'

/** Largest policy file, in bytes. */
export const MAX_POLICY_BYTES = 1_000_000

/** A log whose checkpoints are believed. Its key's name is its origin. */
export interface PolicyLog {
  readonly verifier: NoteVerifier
  readonly url?: string
}
/** A witness; `name` only has a meaning inside the policy. */
export interface PolicyWitness {
  readonly name: string
  readonly verifier: NoteVerifier
  readonly url?: string
}
/** It counts as one voice as soon as `threshold` of its members do. */
export interface PolicyGroup {
  readonly name: string
  readonly threshold: number
  readonly members: readonly string[]
}
/** A key that may sign or seal entries, for entries at the log indexes from `first` to `last`, both included. */
export interface PolicyAgent extends Interval {
  readonly verifier: NoteVerifier
  /** Whether it is the operator's root key, which introduces and revokes the others. */
  readonly isRoot?: true
}

/**
 * Whom a verifier trusts: the lines of C2SP tlog-policy, and lines of our own: `agent` and `root` for the keys inside
 * entries, `anchor` for chains. It is the only place that keys and addresses are taken from.
 */
export interface Policy {
  readonly logs: readonly PolicyLog[]
  readonly witnesses: readonly PolicyWitness[]
  readonly groups: readonly PolicyGroup[]
  /** Name of a witness or group, or `none`. */
  readonly quorum: string
  readonly agents: readonly PolicyAgent[]
  /** Where checkpoints may be anchored and by whom. */
  readonly anchors: readonly PolicyAnchor[]
}

/**
 * Reads a policy file.
 *
 * ```
 * log <vkey> [<url>]
 * witness <name> <vkey> [<url>]
 * group <name> <k>|any|all <name>...
 * quorum <name>|none
 * agent <vkey> [<first>-[<last>]]
 * root <vkey> [<first>-[<last>]]
 * anchor <chain id> <contract> <code hash> <submitter> [<first>-[<last>]]
 * ```
 *
 * Each public key stands once, whatever its role: the keys of logs, witnesses and agents must differ.
 *
 * @param source the file; octets above 0x7F in names are kept as they are
 * @throws ProofError `malformed_policy` that names the line, or `weak_key`
 */
export function parsePolicy(source: Uint8Array | string): Policy {
  const bytes = typeof source === 'string' ? utf8Bytes(source) : source
  if (bytes.length > MAX_POLICY_BYTES) throw new ProofError('too_large', `a policy of ${bytes.length} bytes`)
  const reader = new PolicyReader()
  const lines = viewOf(bytes).toString('latin1').split('\n')
  lines.forEach((line, i) => {
    try {
      reader.read(line)
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
      const code = error.machineCode === 'weak_key' ? 'weak_key' : 'malformed_policy'
      throw new ProofError(code, `line ${i + 1}: ${error.message}`, { cause: error })
    }
  })
  return reader.finish()
}

function malformed(message: string): ProofError {
  return new ProofError('malformed_policy', message)
}

/** Latin-1 holds the octets as they came; what must be text is decoded where it is used. */
function octetsToText(item: string): string {
  const text = decodeUtf8(Buffer.from(item, 'latin1'))
  if (text === undefined) throw malformed('a key is not UTF-8')
  return text
}

// oxlint-disable-next-line no-control-regex -- the allowed control characters are part of the format
const FORBIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f]/

class PolicyReader {
  readonly #logs: PolicyLog[] = []
  readonly #witnesses: PolicyWitness[] = []
  readonly #groups: PolicyGroup[] = []
  readonly #agents: PolicyAgent[] = []
  readonly #anchors: PolicyAnchor[] = []
  readonly #names = new Set<string>()
  readonly #members = new Set<string>()
  readonly #keys = new Set<string>()
  #quorum: string | undefined

  read(line: string): void {
    if (FORBIDDEN.test(line)) throw malformed('a control character')
    const [word, ...rest] = line.split(/[ \t]+/).filter((item) => item !== '')
    if (word === undefined || word.startsWith('#')) return
    switch (word) {
      case 'log':
        return this.#log(rest)
      case 'witness':
        return this.#witness(rest)
      case 'group':
        return this.#group(rest)
      case 'quorum':
        return this.#setQuorum(rest)
      case 'agent':
        return this.#agent('agent', rest)
      case 'root':
        return this.#agent('root', rest)
      case 'anchor':
        this.#anchors.push(parseAnchorLine(rest, this.#anchors))
        return
      default:
        throw malformed(`the line starts with none of log, witness, group, quorum, agent, root, anchor`)
    }
  }

  finish(): Policy {
    if (this.#quorum === undefined) throw malformed('the policy has no quorum line')
    return {
      logs: this.#logs,
      witnesses: this.#witnesses,
      groups: this.#groups,
      quorum: this.#quorum,
      agents: this.#agents,
      anchors: this.#anchors,
    }
  }

  #key(vkey: string | undefined, type: SignatureType, role: string): NoteVerifier {
    if (vkey === undefined) throw malformed(`a ${role} line without a vkey`)
    const verifier = decodeVkey(octetsToText(vkey))
    if (verifier.type !== type) throw malformed(`the signature type of this key is not one for a ${role}`)
    const id = encodeHex(verifier.publicKey)
    if (this.#keys.has(id)) throw malformed(`the public key of ${verifier.name} already has a role`)
    this.#keys.add(id)
    return verifier
  }

  #define(name: string | undefined, what: string): string {
    if (name === undefined) throw malformed(`a ${what} line without a name`)
    if (name === 'none') throw malformed('the name none is taken')
    if (this.#names.has(name)) throw malformed(`the name ${name} is defined twice`)
    this.#names.add(name)
    return name
  }

  #log([vkey, url, ...rest]: string[]): void {
    if (rest.length > 0) throw malformed('a log line has a vkey and a URL at most')
    const verifier = this.#key(vkey, SIGNATURE_TYPES.ed25519, 'log')
    this.#logs.push({ verifier, ...(url === undefined ? {} : { url }) })
  }

  #witness([given, vkey, url, ...rest]: string[]): void {
    if (rest.length > 0) throw malformed('a witness line has a name, a vkey and a URL at most')
    const name = this.#define(given, 'witness')
    const verifier = this.#key(vkey, SIGNATURE_TYPES.cosignature, 'witness')
    this.#witnesses.push({ name, verifier, ...(url === undefined ? {} : { url }) })
  }

  #group([given, threshold, ...members]: string[]): void {
    if (threshold === undefined || members.length === 0)
      throw malformed('a group line has a name, a threshold and members')
    for (const member of members) {
      if (!this.#names.has(member)) throw malformed(`the member ${member} is not defined above`)
      if (this.#members.has(member)) throw malformed(`${member} is already a member of a group`)
      this.#members.add(member)
    }
    const name = this.#define(given, 'group')
    const words: Record<string, number> = { any: 1, all: members.length }
    const needed = Object.hasOwn(words, threshold) ? words[threshold] : parseDecimal(threshold)
    if (needed === undefined || needed < 1 || needed > members.length)
      throw malformed(`the threshold ${threshold} is not any, all or from 1 to ${members.length}`)
    this.#groups.push({ name, threshold: needed, members })
  }

  #setQuorum([name, ...rest]: string[]): void {
    if (name === undefined || rest.length > 0) throw malformed('a quorum line has one name')
    if (this.#quorum !== undefined) throw malformed('a second quorum line')
    if (name !== 'none' && !this.#names.has(name)) throw malformed(`${name} is not defined above`)
    this.#quorum = name
  }

  #agent(role: 'agent' | 'root', [vkey, interval, ...rest]: string[]): void {
    if (rest.length > 0) throw malformed(`the ${role} line has a vkey and an interval at most`)
    const verifier = this.#key(vkey, SIGNATURE_TYPES.ed25519, role)
    const isRoot = role === 'root' ? { isRoot: true as const } : {}
    this.#agents.push({ verifier, ...parseInterval(interval, 'log indexes'), ...isRoot })
  }
}

/** Writes a policy file that {@link parsePolicy} reads back. */
export function formatPolicy(policy: Policy): Uint8Array {
  const text = (octets: string) => Buffer.from(octets, 'latin1')
  const url = (value: string | undefined) => (value === undefined ? '' : ` ${value}`)
  const key = (verifier: NoteVerifier) => viewOf(utf8Bytes(encodeVkey(verifier))).toString('latin1')
  const lines = [
    ...policy.logs.map((log) => `log ${key(log.verifier)}${url(log.url)}`),
    ...policy.witnesses.map((w) => `witness ${w.name} ${key(w.verifier)}${url(w.url)}`),
    ...policy.groups.map((g) => `group ${g.name} ${g.threshold} ${g.members.join(' ')}`),
    `quorum ${policy.quorum}`,
    ...policy.agents.map((a) => `${a.isRoot ? 'root' : 'agent'} ${key(a.verifier)}${formatInterval(a)}`),
    ...policy.anchors.map(formatAnchorLine),
  ]
  return text(`${lines.join('\n')}\n`)
}

/**
 * Whether these witnesses make up the policy's quorum.
 *
 * @param cosigned names of the witnesses whose cosignatures are good
 */
export function isQuorumMet(policy: Policy, cosigned: ReadonlySet<string>): boolean {
  if (policy.quorum === 'none') return true
  const voices = new Set(cosigned)
  // A group only has members that are defined before it, so one pass in order settles all of them.
  for (const group of policy.groups) {
    if (group.members.filter((member) => voices.has(member)).length >= group.threshold) voices.add(group.name)
    else voices.delete(group.name)
  }
  return voices.has(policy.quorum)
}

/** The keys that checkpoints are verified with: those of logs and witnesses. */
export function checkpointVerifiers(policy: Policy): NoteVerifier[] {
  return [...policy.logs, ...policy.witnesses].map(({ verifier }) => verifier)
}

/** The keys that entries are verified with. */
export function agentVerifiers(policy: Policy): NoteVerifier[] {
  return policy.agents.map(({ verifier }) => verifier)
}
