/**
 * A load in a process of its own, for what wrk cannot do: requests at a fixed rate, whose latency counts from the moment at which they
 * were due (so that a server that stands still is not asked less), and a load that ends with every request answered.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { constants, setPriority } from 'node:os'

/** What the generator is told. */
export interface GeneratorOrder {
  readonly port: number
  readonly requests: readonly string[]
  /** The status of every answer. */
  readonly expected: number
  readonly seconds: number
  readonly connections: number
  /** Requests a second; undefined sends the next one on a connection as soon as the last is answered. */
  readonly rate: number | undefined
}

/** What it answers. All requests that it sent are answered. */
export interface GeneratorResult {
  readonly answered: number
  readonly wrong: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
  /** The longest that a request waited for the generator itself. */
  readonly lateMs: number
}

/** Latencies in steps of 10 µs, up to 10 s. */
class Latencies {
  readonly #counts = new Uint32Array(1_000_000)
  #count = 0
  #max = 0

  add(ms: number): void {
    const step = Math.min(this.#counts.length - 1, Math.max(0, Math.round(ms * 100)))
    this.#counts[step] = (this.#counts[step] ?? 0) + 1
    this.#count++
    this.#max = Math.max(this.#max, ms)
  }

  get max(): number {
    return this.#max
  }

  quantile(share: number): number {
    let left = Math.ceil(this.#count * share)
    for (const [step, count] of this.#counts.entries()) {
      left -= count
      if (left <= 0) return step / 100
    }
    return this.#max
  }
}

/** One connection and the request on it. */
class Client {
  readonly #socket: Socket
  #received = ''
  #due = 0
  onAnswer: (status: number, due: number) => void = () => undefined

  constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true).on('data', (chunk: Buffer) => this.#take(chunk.toString('latin1')))
  }

  send(request: string, due: number): void {
    this.#due = due
    this.#socket.write(request, 'latin1')
  }

  close(): void {
    this.#socket.destroy()
  }

  #take(text: string): void {
    this.#received += text
    const end = this.#received.indexOf('\r\n\r\n')
    if (end < 0) return
    const length = /\r\ncontent-length: *(\d+)/i.exec(this.#received.slice(0, end))?.[1]
    if (length === undefined) throw new Error(`an answer without a length:\n${this.#received.slice(0, end)}`)
    if (this.#received.length < end + 4 + Number(length)) return
    const status = Number(this.#received.slice(9, 12))
    this.#received = ''
    this.onAnswer(status, this.#due)
  }
}

const open = async (port: number): Promise<Client> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.on('close', () => {
    if (!over) throw new Error('the server closed a connection')
  })
  return new Client(socket)
}

let over = false

/** At a fixed rate the first answers are not counted: until then this process compiles its code. */
const SETTLING_MS = 2000

async function run(order: GeneratorOrder): Promise<GeneratorResult> {
  const { requests, rate } = order
  const clients = await Promise.all(Array.from({ length: order.connections }, () => open(order.port)))
  const latencies = new Latencies()
  let answered = 0
  let wrong = 0
  let lateMs = 0
  let next = 0
  let inFlight = 0
  const free: Client[] = []
  const waiting: number[] = []
  const begun = performance.now()
  const countedFrom = rate === undefined ? begun : begun + SETTLING_MS
  const until = begun + order.seconds * 1000
  const finished = new Promise<void>((resolve) => {
    const send = (client: Client, due: number): void => {
      inFlight++
      client.send(requests[next++ % requests.length] ?? '', due)
    }
    const ended = (): void => {
      if (inFlight === 0 && waiting.length === 0 && performance.now() >= until) resolve()
    }
    for (const client of clients)
      client.onAnswer = (status, due) => {
        const now = performance.now()
        answered++
        if (due >= countedFrom) latencies.add(now - due)
        if (status !== order.expected) wrong++
        inFlight--
        const overdue = waiting.shift()
        if (overdue !== undefined) send(client, overdue)
        else if (rate === undefined && now < until) send(client, now)
        else free.push(client)
        ended()
      }
    if (rate === undefined) for (const client of clients) send(client, performance.now())
    else {
      free.push(...clients)
      let due = begun
      const gapMs = 1000 / rate
      const tick = (): void => {
        const now = performance.now()
        for (; due <= now && due < until; due += gapMs) {
          if (due >= countedFrom) lateMs = Math.max(lateMs, now - due)
          // All take turns: a server ends a connection that stays without a request.
          const client = free.shift()
          if (client === undefined) waiting.push(due)
          else send(client, due)
        }
        // The last answer may come before the end: somebody has to look again.
        if (now < until) setImmediate(tick)
        else ended()
      }
      tick()
    }
  })
  await finished
  over = true
  for (const client of clients) client.close()
  return {
    answered,
    wrong,
    seconds: (performance.now() - begun) / 1000,
    p50Ms: latencies.quantile(0.5),
    p99Ms: latencies.quantile(0.99),
    p999Ms: latencies.quantile(0.999),
    maxMs: latencies.max,
    lateMs,
  }
}

// The service shares this CPU; it goes first.
setPriority(constants.priority.PRIORITY_LOW)
const [order] = (await once(process, 'message')) as [GeneratorOrder]
const result = await run(order)
process.send?.(result, () => process.disconnect())
