/** One witness, over HTTP (C2SP tlog-witness). What it answers is hostile until its own key verifies it. */
import type { Agent } from 'undici'
import { formatAddCheckpoint } from '../../proofs/add-checkpoint.js'
import type { AddCheckpoint } from '../../proofs/add-checkpoint.js'
import { concatBytes, decodeUtf8, encodeHex, utf8Bytes } from '../../proofs/bytes.js'
import { MAX_CHECKPOINT_SIGNATURES, parseDecimal } from '../../proofs/checkpoint.js'
import { ProofError } from '../../proofs/errors.js'
import { sha256 } from '../../proofs/hashing.js'
import { cosignatureTime } from '../../proofs/note-key.js'
import type { PolicyWitness } from '../../proofs/policy.js'
import { parseNote, verifyNote } from '../../proofs/signed-note.js'
import type { NoteSignature } from '../../proofs/signed-note.js'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { checkOutboundUrl, outboundAgent } from '../../runtime/outbound.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { LedgerError } from '../errors.js'

/** Largest answer that is read, in bytes. */
const MAX_ANSWER = 64 * 1024
/** How far the clock of a witness may be from ours, in seconds: an older cosignature is one that somebody kept. */
const CLOCK_TOLERANCE = 300n

export interface WitnessClientOptions {
  readonly outbound: OutboundConfig
  readonly timeoutMs: number
  readonly clock: { now(): number }
}

/** What a witness makes of a checkpoint. */
export type WitnessVerdict =
  | { readonly type: 'cosigned'; readonly signature: NoteSignature }
  /** It cosigned this size last. */
  | { readonly type: 'conflict'; readonly size: number }
  /** It does not believe that the checkpoint extends what it cosigned. */
  | { readonly type: 'refused'; readonly error: LedgerError }

interface Answer {
  readonly status: number
  readonly body: Uint8Array
}

export class WitnessClient {
  readonly name: string
  readonly #witness: PolicyWitness
  readonly #options: WitnessClientOptions
  readonly #agent: Agent
  readonly #stop = new AbortController()

  constructor(witness: PolicyWitness, options: WitnessClientOptions) {
    // The policy keeps octets; what is shown is text.
    this.name = Buffer.from(witness.name, 'latin1').toString('utf8')
    this.#witness = witness
    this.#options = options
    this.#agent = outboundAgent(options.outbound, options.timeoutMs, MAX_ANSWER)
  }

  /**
   * Asks for a cosignature.
   *
   * @throws LedgerError `WITNESS_FAILED` when there is no answer or one that the protocol does not know
   */
  async addCheckpoint(request: AddCheckpoint): Promise<WitnessVerdict> {
    const { status, body } = await this.#exchange('POST', 'add-checkpoint', formatAddCheckpoint(request))
    if (status === 200) return { type: 'cosigned', signature: this.#cosignature(request.checkpoint, body) }
    if (status === 409) return { type: 'conflict', size: this.#size(body) }
    const error = this.#failed(`answered ${status}`)
    if (status === 422) return { type: 'refused', error }
    throw error
  }

  /**
   * The newest checkpoint that the witness has of a log.
   *
   * @returns `undefined` when it serves none
   */
  async newest(origin: string): Promise<Uint8Array | undefined> {
    const path = `${encodeHex(sha256(utf8Bytes(origin)))}/checkpoint`
    const { status, body } = await this.#exchange('GET', path)
    return status === 200 ? body : undefined
  }

  /** Breaks off what is under way. */
  async close(): Promise<void> {
    this.#stop.abort()
    await this.#agent.destroy()
  }

  async #exchange(method: 'GET' | 'POST', path: string, body?: Uint8Array): Promise<Answer> {
    const { outbound, timeoutMs } = this.#options
    try {
      const url = checkOutboundUrl(this.#witness.url ?? '', outbound)
      const response = await this.#agent.request({
        origin: url.origin,
        path: `${url.pathname.replace(/\/$/, '')}/${path}`,
        method,
        headers: { 'user-agent': 'Portcullis-Ledger/1.0', 'content-type': 'text/plain; charset=utf-8' },
        ...(body !== undefined && { body }),
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(timeoutMs)]),
      })
      return { status: response.statusCode, body: await response.body.bytes() }
    } catch (cause) {
      throw this.#failed(`did not answer: ${codeOf(cause) ?? messageOf(cause)}`, cause)
    }
  }

  #cosignature(checkpoint: Uint8Array, lines: Uint8Array): NoteSignature {
    const { verifier } = this.#witness
    try {
      const note = parseNote(concatBytes(checkpoint, lines), MAX_CHECKPOINT_SIGNATURES)
      // Lines of other keys, the log's own among them, say nothing here.
      const [verified] = verifyNote(note, [verifier]).verified
      const time = verified && cosignatureTime(verified.signature.signature)
      if (verified === undefined || time === undefined)
        throw new ProofError('unknown_key', 'there is no cosignature')
      const now = BigInt(Math.floor(this.#options.clock.now() / 1000))
      const apart = time > now ? time - now : now - time
      if (apart > CLOCK_TOLERANCE) throw new ProofError('bad_signature', `its time is ${apart} s from ours`)
      return verified.signature
    } catch (cause) {
      throw this.#failed(`sent no cosignature of its own: ${messageOf(cause)}`, cause)
    }
  }

  #size(body: Uint8Array): number {
    const text = body.length <= 20 ? decodeUtf8(body) : undefined
    const size = text?.endsWith('\n') === true ? parseDecimal(text.slice(0, -1)) : undefined
    if (size === undefined) throw this.#failed('sent no size with its conflict')
    return size
  }

  #failed(what: string, cause?: unknown): LedgerError {
    return new LedgerError('WITNESS_FAILED', `the witness ${this.name} ${what}`, { cause })
  }
}
