import { join } from 'node:path'
import { formatAction } from '../../proofs/action.js'
import { encodeHex } from '../../proofs/bytes.js'
import { leafHash } from '../../proofs/hashing.js'
import type { CanonicalValue } from '../../proofs/canonical-json.js'
import { messageOf } from '../../runtime/errors.js'
import type { Logger } from '../../runtime/log.js'
import type { Topic } from '../../runtime/outbox.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { openKeyFile } from '../key-file.js'
import { BatchSender } from './batch-sender.js'
import { LedgerClientError } from './errors.js'
import { RegistrationRequest } from './registration.js'
import { readLastEntry, writeLastEntry } from './session-file.js'
import { Tally } from './tally.js'
import type { ActionInput, LedgerRecorder } from './types.js'

const SECOND_MS = 1000
/** How long `close` waits for an outbox that takes nothing. */
const CLOSE_MS = 5_000
/** Ids that are remembered to refuse a second use. */
const RECENT_IDS = 65_536

export interface LedgerRecorderOptions {
  /** Name of the agent, as its key's; `^[a-z][a-z0-9._/-]{0,99}$`. */
  readonly agent: string
  /** Its private key, made on first use: `<data>/<role>/key`. */
  readonly keyFile: string
  /** `<data>/ledger`, where the registration of the key is asked for; left out when the operator sees to it. */
  readonly ledgerFolder?: string
  /** Topic `ledger` of the outbox. */
  readonly topic: Topic
  readonly clock: { now(): number }
  /** See `ledgerClientConfig`. */
  readonly maxBatch?: number
  readonly maxDelayMs?: number
  readonly summaryAbovePerSecond?: number
  /** Other agents that may write into the session. */
  readonly participants?: readonly string[]
  readonly log?: Logger
}

/** A ledger client with what there is to know about it. */
export interface LedgerSession extends LedgerRecorder {
  readonly agent: string
  /** Name of the session that this client opened. */
  readonly session: string
  /** Actions recorded one by one, and counted in summaries, since the start. */
  readonly totals: { readonly recorded: number; readonly summarised: number }
}

/** Where a role of a data folder keeps its key, and where it asks for its registration. */
export function rolePaths(
  data: string,
  role: string,
): { readonly keyFile: string; readonly ledgerFolder: string } {
  return { keyFile: join(data, role, 'key'), ledgerFolder: join(data, 'ledger') }
}

/**
 * Opens a session of an agent: reads or makes its key, asks for its registration, and records `session.open`. After a crash
 * the next start opens a new session, whose parent is the last entry that is known of the one before.
 *
 * What was recorded is durable at most `maxDelayMs` later, when its sealed batch is in the outbox; `flush` waits for it.
 */
export async function openLedgerRecorder(options: LedgerRecorderOptions): Promise<LedgerSession> {
  const signer = await openKeyFile(options.keyFile, options.agent)
  if (signer.name !== options.agent) {
    throw new LedgerClientError(
      'KEY_OF_ANOTHER',
      `the key in ${options.keyFile} is the one of ${signer.name}`,
    )
  }
  const lastEntryFile = `${options.keyFile}.session.json`
  const last = await readLastEntry(lastEntryFile)
  const session = `s-${uuidv7(options.clock.now())}`
  const sender = new BatchSender({
    session,
    signer,
    topic: options.topic,
    maxBatch: options.maxBatch ?? 256,
    maxDelayMs: options.maxDelayMs ?? 200,
    log: options.log,
  })
  const registration =
    options.ledgerFolder === undefined
      ? undefined
      : new RegistrationRequest(options.ledgerFolder, signer, options.log)
  await registration?.start()
  const client = new OutboxRecorder(options, { session, sender, lastEntryFile, registration })
  client.open(last?.leaf)
  return client
}

interface SessionParts {
  readonly session: string
  readonly sender: BatchSender
  readonly lastEntryFile: string
  readonly registration: RegistrationRequest | undefined
}

class OutboxRecorder implements LedgerSession {
  readonly agent: string
  readonly session: string
  readonly #options: LedgerRecorderOptions
  readonly #sender: BatchSender
  readonly #lastEntryFile: string
  readonly #registration: RegistrationRequest | undefined
  readonly #tally = new Tally()
  readonly #limit: number
  #recorded = 0
  #summarised = 0
  #second = -1
  #inSecond = 0
  #summaryTimer: NodeJS.Timeout | undefined
  #opened: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Ids that callers chose, the oldest first. */
  readonly #recentIds = new Set<string>()

  constructor(options: LedgerRecorderOptions, parts: SessionParts) {
    this.agent = options.agent
    this.session = parts.session
    this.#options = options
    this.#sender = parts.sender
    this.#lastEntryFile = parts.lastEntryFile
    this.#registration = parts.registration
    this.#limit = options.summaryAbovePerSecond ?? 1000
  }

  get totals(): { readonly recorded: number; readonly summarised: number } {
    return { recorded: this.#recorded, summarised: this.#summarised }
  }

  /** Records `session.open`. It does not wait for the outbox: a role has to start while the ledger is far behind, too. */
  open(parent: string | undefined): void {
    const now = this.#options.clock.now()
    const others = (this.#options.participants ?? []).filter((name) => name !== this.agent)
    const participants = [this.agent, ...others]
    const text = this.#format(
      { kind: 'session.open', ts: now, members: { participants } },
      uuidv7(now),
      parent,
    )
    this.#sender.add(text)
    this.#opened = this.#sender
      .flush()
      .then(() => this.#remember(text))
      .catch((error: unknown) => {
        this.#options.log?.warn(
          { err: messageOf(error) },
          'the next session cannot name this one as its parent',
        )
      })
  }

  get position(): number {
    return this.#options.topic.position(this.agent)
  }

  record(action: ActionInput, position?: number): string | undefined {
    if (this.#closing !== undefined)
      throw new LedgerClientError('CLIENT_CLOSED', 'the ledger client is closed')
    const now = this.#options.clock.now()
    if (!this.#admits(now)) {
      this.#tally.add(action, now, position)
      this.#summarised++
      this.#summaryTimer ??= setTimeout(() => this.#summarise(), SECOND_MS - (now % SECOND_MS))
      return undefined
    }
    const id = action.id ?? uuidv7(now)
    const text = this.#format(action, id)
    if (action.id !== undefined) this.#claim(id)
    this.#sender.add(text, position)
    this.#inSecond++
    this.#recorded++
    return id
  }

  async flush(): Promise<void> {
    this.#summarise()
    await this.#sender.flush()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearTimeout(this.#summaryTimer)
    this.#registration?.stop()
    const now = this.#options.clock.now()
    if (this.#tally.count > 0) this.#addSummary()
    const count = this.#sender.next
    const text = this.#format({ kind: 'session.close', ts: now, members: { count } }, uuidv7(now))
    this.#sender.add(text)
    const deadline = setTimeout(() => {
      const message = `the outbox takes nothing: ${this.#sender.waiting} entries are not recorded`
      this.#sender.stop(new LedgerClientError('UNRECORDED', message))
    }, CLOSE_MS)
    try {
      await this.#sender.flush()
    } finally {
      clearTimeout(deadline)
    }
    await this.#opened
    await this.#remember(text)
  }

  async #remember(text: Uint8Array): Promise<void> {
    await writeLastEntry(this.#lastEntryFile, { session: this.session, leaf: encodeHex(leafHash(text)) })
  }

  /** One id twice would make the ledger refuse the whole batch. */
  #claim(id: string): void {
    if (this.#recentIds.has(id)) {
      throw new LedgerClientError('DUPLICATE_ID', `an action with the id ${id} is recorded already`)
    }
    this.#recentIds.add(id)
    for (const oldest of this.#recentIds) {
      if (this.#recentIds.size <= RECENT_IDS) break
      this.#recentIds.delete(oldest)
    }
  }

  /** Whether an action becomes an entry. Once one is counted, all are until the counts are an entry: positions ascend. */
  #admits(now: number): boolean {
    const second = Math.floor(now / SECOND_MS)
    if (second !== this.#second) {
      this.#second = second
      this.#inSecond = 0
      this.#summarise()
    }
    return this.#tally.count === 0 && this.#inSecond < this.#limit && !this.#sender.full
  }

  /** Puts the counts into an entry, unless too much waits already: then they go on growing. */
  #summarise(): void {
    clearTimeout(this.#summaryTimer)
    this.#summaryTimer = undefined
    if (this.#tally.count === 0) return
    if (this.#sender.full) this.#summaryTimer = setTimeout(() => this.#summarise(), SECOND_MS)
    else this.#addSummary()
  }

  #addSummary(): void {
    const now = this.#options.clock.now()
    const { members, position } = this.#tally.take()
    this.#sender.add(this.#format({ kind: 'security.summary', ts: now, members }, uuidv7(now)), position)
  }

  #format(action: ActionInput, id: string, parent?: string): Uint8Array {
    const payload: Record<string, CanonicalValue> = { ...action.members }
    payload['v'] = 1
    payload['id'] = id
    payload['agent'] = this.agent
    payload['session'] = this.session
    payload['seq'] = this.#sender.next
    payload['ts'] = action.ts
    payload['kind'] = action.kind
    if (parent !== undefined) payload['parents'] = [parent]
    return formatAction(payload)
  }
}
