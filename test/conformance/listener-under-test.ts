import type { Test } from 'tap'
import type {
  Exchange,
  Listener,
  ListenOptions,
  MalformedInfo,
  UpgradeExchange,
} from '../../gateway/listener/listener.js'
import type { HeaderList } from '../../detectors/request.js'

/** In which ways an implementation may differ; each is one of its printed limits. */
export interface ListenerTraits {
  readonly listen: (options: ListenOptions) => Promise<Listener>
  /** Header names keep their case. */
  readonly exactNames: boolean
  /** What its parser rejects gets an answer and a report. */
  readonly answersMalformed: boolean
  readonly http10: boolean
  readonly pipelines: boolean
  /** A request for an upgrade may stand behind a request in work. */
  readonly pipelinesUpgrades: boolean
  /** The gateway decides when `100 Continue` is sent. */
  readonly continueByGateway: boolean
  readonly informational: boolean
  readonly trailers: boolean
  readonly configurableTimeouts: boolean
  /** A response head leaves before the first byte of its body. */
  readonly headAtOnce: boolean
  readonly upgradeKind: 'raw' | 'websocket'
}

export interface Bench {
  readonly listener: Listener
  readonly port: number
  readonly malformed: MalformedInfo[]
  readonly failures: unknown[]
  /** The next exchange that nobody has taken yet. */
  readonly exchange: () => Promise<Exchange>
  readonly upgrade: () => Promise<UpgradeExchange>
  /** Exchanges that nobody has taken. */
  readonly waiting: number
}

export const TIMEOUTS = { headersMs: 20_000, idleMs: 20_000, bodyIdleMs: 20_000 }

/** A listener on a port of its own, closed at the end of the test. */
export async function bench(
  t: Test,
  traits: ListenerTraits,
  options: Partial<ListenOptions> = {},
): Promise<Bench> {
  const exchanges = new Inbox<Exchange>()
  const upgrades = new Inbox<UpgradeExchange>()
  const malformed: MalformedInfo[] = []
  const failures: unknown[] = []
  const listener = await traits.listen({
    host: '127.0.0.1',
    port: 0,
    timeouts: TIMEOUTS,
    maxHeaderBytes: 16 * 1024,
    onExchange: (exchange) => exchanges.put(exchange),
    onUpgrade: (upgrade) => upgrades.put(upgrade),
    onMalformed: (info) => malformed.push(info),
    onFailure: (error) => failures.push(error),
    ...options,
  })
  t.teardown(() => listener.close(0))
  return {
    listener,
    port: listener.address.port,
    malformed,
    failures,
    exchange: () => exchanges.take(),
    upgrade: () => upgrades.take(),
    get waiting() {
      return exchanges.size
    },
  }
}

class Inbox<Item> {
  readonly #items: Item[] = []
  readonly #takers: ((item: Item) => void)[] = []

  get size(): number {
    return this.#items.length
  }

  put(item: Item): void {
    const taker = this.#takers.shift()
    if (taker === undefined) this.#items.push(item)
    else taker(item)
  }

  take(): Promise<Item> {
    const item = this.#items.shift()
    return item === undefined ? new Promise((resolve) => this.#takers.push(resolve)) : Promise.resolve(item)
  }
}

export interface ReadBody {
  readonly text: string
  readonly trailers: HeaderList
}

/** Reads a whole body; rejects with the body's error. */
export function readBody(exchange: Exchange): Promise<ReadBody> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = []
    exchange.body.read({
      onData: (chunk) => chunks.push(chunk),
      onEnd: (trailers) => resolve({ text: Buffer.concat(chunks).toString('latin1'), trailers }),
      onError: reject,
    })
  })
}

export function aborted(exchange: { onAborted(callback: () => void): void }): Promise<void> {
  return new Promise((resolve) => exchange.onAborted(resolve))
}
