import { formatAction } from '../../proofs/action.js'
import { parseSessionBundle } from '../../proofs/bundle.js'
import { equalBytes } from '../../proofs/bytes.js'
import type { CanonicalValue } from '../../proofs/canonical-json.js'
import { attempt } from '../../proofs/errors.js'
import type { NoteSigner } from '../../proofs/note-key.js'
import { parsePolicy } from '../../proofs/policy.js'
import type { Policy } from '../../proofs/policy.js'
import { sealBatch } from '../../proofs/seal.js'
import { encodeEntryBundle } from '../../proofs/tile.js'
import { verifyBundle } from '../../proofs/verify.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { LedgerClientError } from './errors.js'
import { HttpLedger } from './http-ledger.js'
import type { ActionInput } from './types.js'

const ENTRIES_TYPE = 'application/x.portcullis.entries'
/** Bytes of a batch, far below what a ledger takes as one body. */
const MAX_BATCH_BYTES = 1024 * 1024
/** Most actions of a batch, so that its proof comes in one bundle. */
const MAX_BATCH = 4_096
/** Actions that may wait; above it `record` rejects. */
const MAX_WAITING = 65_536

export interface LedgerClientOptions {
  /** `http://` or `https://` of the ledger's API. */
  readonly url: string
  /** Bearer token for writes. */
  readonly token?: string
  /** Whom this client trusts: the log's key, its witnesses, its own key. Nothing that the ledger says changes it. */
  readonly policy: Policy | string
  /** The agent's key; its name is the agent's. */
  readonly signer: NoteSigner
  /** Other agents that may write into the session. */
  readonly participants?: readonly string[]
  /** Leaf hash (hexadecimal) of the entry that the session goes on from. */
  readonly parent?: string
  /** Actions of one batch, 1 to 4,096; 256 when left out. */
  readonly maxBatch?: number
  /** Milliseconds after which a batch is sent, full or not; 200 when left out. */
  readonly maxDelayMs?: number
  /** How long a batch is tried again; 60,000 ms when left out. */
  readonly giveUpMs?: number
  /** Private addresses that the ledger may be at; public ones only when left out. */
  readonly outbound?: OutboundConfig
  readonly clock?: { now(): number }
}

/** An action that is proven to be in the log. */
export interface RecordedAction {
  readonly id: string
  readonly index: number
}

interface Waiting {
  readonly id: string
  readonly text: Uint8Array
  readonly resolve: (recorded: RecordedAction) => void
  readonly reject: (error: Error) => void
}

/**
 * Records what an agent does in a ledger elsewhere. Actions are numbered, sealed in batches with the agent's key, posted
 * until the ledger answers (the same bytes have the same place however often they come), and believed to be recorded only
 * once their inclusion in a signed tree is verified under this client's own policy.
 *
 * Nothing is kept on disk: what was not proven when the process ends has to be recorded anew. After an error nothing more
 * is taken, because the numbers would have a gap; a new client opens a new session, whose `parent` can name the old one.
 */
export class LedgerClient {
  readonly session: string
  readonly #options: LedgerClientOptions
  readonly #policy: Policy
  readonly #http: HttpLedger
  readonly #clock: { now(): number }
  readonly #maxBatch: number
  #waiting: Waiting[] = []
  /** `seq` of the next action. */
  #next = 0
  /** `seq` of the first action that is not proven. */
  #first = 0
  #timer: NodeJS.Timeout | undefined
  #sending: Promise<void> | undefined
  #failure: Error | undefined
  #closing: Promise<void> | undefined

  /**
   * Begins a session; its `session.open` goes with the first batch.
   *
   * @throws ProofError for a policy that cannot be read, RuntimeError `OUTBOUND_REFUSED` for the URL
   */
  constructor(options: LedgerClientOptions) {
    this.#options = options
    this.#policy = typeof options.policy === 'string' ? parsePolicy(options.policy) : options.policy
    this.#http = new HttpLedger({ ...options, giveUpMs: options.giveUpMs ?? 60_000 })
    this.#clock = options.clock ?? { now: () => Date.now() }
    this.#maxBatch = options.maxBatch ?? 256
    if (!(this.#maxBatch >= 1 && this.#maxBatch <= MAX_BATCH))
      throw new RangeError(`maxBatch is from 1 to ${MAX_BATCH}, not ${this.#maxBatch}`)
    this.session = `s-${uuidv7(this.#clock.now())}`
    const others = (options.participants ?? []).filter((name) => name !== this.agent)
    void this.#add(
      { kind: 'session.open', members: { participants: [this.agent, ...others] } },
      options.parent,
    )
  }

  get agent(): string {
    return this.#options.signer.name
  }

  /**
   * Records one action; resolves once it is proven to be in the log.
   *
   * @throws ProofError for an action that no schema fits
   * @throws LedgerClientError `CLIENT_CLOSED`, `REFUSED`, `UNRECORDED`, `UNPROVEN`, `CLIENT_FULL`
   */
  async record(action: Omit<ActionInput, 'ts'> & { readonly ts?: number }): Promise<RecordedAction> {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closing !== undefined) throw new LedgerClientError('CLIENT_CLOSED', 'the client is closed')
    if (this.#waiting.length >= MAX_WAITING)
      throw new LedgerClientError('CLIENT_FULL', `${MAX_WAITING} actions wait for the ledger already`)
    return this.#add(action)
  }

  /** Resolves once everything recorded before is proven; rejects with what went wrong. */
  async flush(): Promise<void> {
    const upTo = this.#next
    while (this.#failure === undefined && this.#first < upTo) {
      this.#start()
      await this.#sending
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** `session.close`, `flush`, and the end of all connections. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /**
   * The receipt of an action of this client, verified under its policy and compared with the session.
   *
   * @throws LedgerClientError `UNPROVEN` when it does not hold
   */
  async receipt(id: string): Promise<Uint8Array> {
    const agent = encodeURIComponent(this.agent)
    const bytes = await this.#http.ask(`/v1/entries/${encodeURIComponent(id)}/receipt?agent=${agent}`)
    const verdict = verifyBundle(bytes, this.#policy, { clock: this.#clock, session: this.session })
    const action = verdict.entry?.type === 'seal' ? undefined : verdict.entry?.action
    if (!verdict.ok || action?.id !== id || action.agent !== this.agent)
      throw new LedgerClientError(
        'UNPROVEN',
        `the receipt of ${id} does not hold: ${verdict.code ?? 'another entry'}`,
      )
    return bytes
  }

  async #close(): Promise<void> {
    clearTimeout(this.#timer)
    try {
      if (this.#failure === undefined)
        void this.#add({ kind: 'session.close', members: { count: this.#next } })
      await this.flush()
    } finally {
      clearTimeout(this.#timer)
      await this.#http.close()
    }
  }

  #add(action: Omit<ActionInput, 'ts'> & { readonly ts?: number }, parent?: string): Promise<RecordedAction> {
    const now = this.#clock.now()
    const id = action.id ?? uuidv7(now)
    const members: Record<string, CanonicalValue> = { ...action.members }
    const payload = {
      ...members,
      v: 1,
      id,
      agent: this.agent,
      session: this.session,
      seq: this.#next,
      ts: action.ts ?? now,
      kind: action.kind,
      ...(parent === undefined ? {} : { parents: [parent] }),
    }
    const text = formatAction(payload)
    this.#next++
    const recorded = new Promise<RecordedAction>((resolve, reject) => {
      this.#waiting.push({ id, text, resolve, reject })
    })
    // Whoever waits for it sees the failure, and so does `flush`; nobody has to.
    recorded.catch(() => undefined)
    if (this.#waiting.length >= this.#maxBatch) this.#start()
    else this.#timer ??= setTimeout(() => this.#start(), this.#options.maxDelayMs ?? 200)
    return recorded
  }

  #start(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#sending !== undefined || this.#waiting.length === 0 || this.#failure !== undefined) return
    this.#sending = this.#sendAll().finally(() => {
      this.#sending = undefined
      // Added after the last look and before this one.
      if (this.#waiting.length >= this.#maxBatch) this.#start()
    })
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#nextBatch()
      try {
        const start = await this.#send(batch.map(({ text }) => text))
        this.#waiting.splice(0, batch.length)
        this.#first += batch.length
        for (const [i, { id, resolve }] of batch.entries()) resolve({ id, index: start + i })
      } catch (error) {
        this.#failure = error instanceof Error ? error : new Error(String(error))
        for (const { reject } of this.#waiting.splice(0)) reject(this.#failure)
      }
    }
  }

  #nextBatch(): readonly Waiting[] {
    let bytes = 0
    let count = 0
    for (const { text } of this.#waiting) {
      bytes += text.length + 2
      if (count === this.#maxBatch || (count > 0 && bytes > MAX_BATCH_BYTES)) break
      count++
    }
    return this.#waiting.slice(0, count)
  }

  /** Posts a batch and gives the log index of its first action, once that is proven. */
  async #send(actions: readonly Uint8Array[]): Promise<number> {
    const { signer } = this.#options
    const batch = { agent: signer.name, session: this.session, first: this.#first, entries: actions }
    const entries = [...actions, sealBatch(batch, signer)]
    const wait = this.#policy.quorum === 'none' ? '' : '?wait=witnessed'
    const body = encodeEntryBundle(entries)
    const start = startOf(
      await this.#http.ask(`/v1/entries${wait}`, { type: ENTRIES_TYPE, body }),
      entries.length,
    )
    const query = `from=${start}&limit=${entries.length}`
    const proof = await this.#http.ask(`/v1/bundle/${encodeURIComponent(this.session)}?${query}`)
    this.#believe(proof, entries, start)
    return start
  }

  /** @throws LedgerClientError `UNPROVEN` unless these entries are at these indexes of a log that the policy trusts */
  #believe(bundle: Uint8Array, entries: readonly Uint8Array[], start: number): void {
    const { checks } = verifyBundle(bundle, this.#policy, { clock: this.#clock, session: this.session })
    // The bundle is a part of the session, which is how it was asked for.
    const failed = checks.find(({ name, result }) => result === 'fail' && name !== 'completeness')
    if (failed !== undefined)
      throw new LedgerClientError(
        'UNPROVEN',
        `the ledger does not prove the batch: ${failed.code}: ${failed.message}`,
      )
    const parsed = attempt(() => parseSessionBundle(bundle))
    const found = new Map(
      'value' in parsed ? parsed.value.entries.map(({ index, entry }) => [index, entry]) : [],
    )
    const isThere = entries.every((entry, i) => equalBytes(found.get(start + i) ?? new Uint8Array(0), entry))
    if (!isThere)
      throw new LedgerClientError('UNPROVEN', 'the ledger proves other entries than those of the batch')
  }
}

/** Index of the first entry, as the ledger says; what it says is proven afterwards. */
function startOf(answer: Uint8Array, count: number): number {
  try {
    const { entries } = JSON.parse(Buffer.from(answer).toString('utf8')) as {
      readonly entries: readonly { readonly index: number }[]
    }
    const start = entries[0]?.index
    if (entries.length === count && Number.isSafeInteger(start)) return start ?? 0
  } catch {
    // Told apart no further: it is no answer of a ledger.
  }
  throw new LedgerClientError('UNPROVEN', 'the ledger does not say where the batch is')
}
