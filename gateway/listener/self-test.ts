import { connect } from 'node:net'
import type { HeaderList } from '../../detectors/request.js'
import type { Exchange, Listener, ListenOptions, MalformedInfo } from './listener.js'
import { type Delivered, SELF_TEST_CASES, type SelfTestCase } from './self-test-cases.js'

/** How long a case may stay without an answer. It comes within a millisecond or so, but not on a machine that is busy. */
const NO_REPLY_MS = 2000

export interface SelfTestFailure {
  readonly name: string
  /** What happened instead. */
  readonly problem: string
}

export interface SelfTestResult {
  /** How many cases ran. */
  readonly ran: number
  readonly failures: readonly SelfTestFailure[]
}

interface Observation {
  readonly exchange: Exchange
  body: string | undefined
}

/**
 * Sends the cases to a listener on a loopback port of its own and checks the listener rule: what arrives is exactly what was
 * sent (names without regard to case), or it is refused with a status that says so and reported.
 *
 * @param options `all` goes on after the first failure; default is to stop, as a listener either keeps the rule or not.
 * @throws ListenerError when the listener cannot listen.
 */
export async function selfTest(
  listen: (options: ListenOptions) => Promise<Listener>,
  options: { readonly all?: boolean } = {},
): Promise<SelfTestResult> {
  let observed: Observation[] = []
  let reports: MalformedInfo[] = []
  let crash: unknown
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    timeouts: { headersMs: 5000, idleMs: 5000, bodyIdleMs: 5000 },
    maxHeaderBytes: 16 * 1024,
    onExchange: (exchange) => {
      const observation: Observation = { exchange, body: undefined }
      observed.push(observation)
      answer(observation)
    },
    onUpgrade: (upgrade) => upgrade.respond(400, []),
    onMalformed: (report) => reports.push(report),
    onFailure: (error) => {
      crash = error
    },
  })
  const failures: SelfTestFailure[] = []
  let ran = 0
  try {
    for (const testCase of SELF_TEST_CASES) {
      observed = []
      reports = []
      crash = undefined
      const status = await send(listener, testCase.bytes)
      ran++
      const problem = crash === undefined ? judge(testCase, status, observed, reports) : 'the listener failed'
      if (problem !== undefined) {
        failures.push({ name: testCase.name, problem })
        if (options.all !== true) break
      }
    }
  } finally {
    await listener.close(0)
  }
  return { ran, failures }
}

function answer(observation: Observation): void {
  const { exchange } = observation
  if (exchange.refuse !== undefined) {
    exchange.respond(400, [])
    return
  }
  let body = ''
  exchange.body.read({
    onData: (chunk) => {
      body += Buffer.from(chunk).toString('latin1')
    },
    onEnd: () => {
      observation.body = body
      exchange.respond(200, [])
    },
    onError: () => exchange.respond(400, []),
  })
}

/** @returns the status of the first final response; 0 when none came. */
function send(listener: Listener, bytes: string): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect(listener.address.port, listener.address.host)
    let received = ''
    const status = (): number => Number(/^HTTP\/1\.1 ([2-5][0-9]{2}) /.exec(received)?.[1] ?? 0)
    const done = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(status())
    }
    const timer = setTimeout(done, NO_REPLY_MS)
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      received += text
      if (status() !== 0) done()
    })
    socket.on('error', done)
    socket.on('end', done)
    socket.write(Buffer.from(bytes, 'latin1'))
  })
}

function judge(
  testCase: SelfTestCase,
  status: number,
  observed: readonly Observation[],
  reports: readonly MalformedInfo[],
): string | undefined {
  const first = observed[0]
  if (status === 0) return 'no reply'
  if (isRefusal(status)) {
    return first?.exchange.refuse !== undefined || reports.length > 0 ? undefined : 'refused without a report'
  }
  if (status !== 200 || first === undefined) return `answered with ${status}`
  if (observed.length > 1) return 'arrived as several requests'
  if (testCase.delivered === undefined) return 'was taken'
  return difference(testCase.delivered, first)
}

/** Any 4xx, a method that is not implemented, a version that is not supported. */
export function isRefusal(status: number): boolean {
  return (status >= 400 && status < 500) || status === 501 || status === 505
}

function difference(sent: Delivered, { exchange, body }: Observation): string | undefined {
  if (exchange.method !== sent.method) return 'the method differs'
  if (exchange.target !== sent.target) return 'the target differs'
  if (exchange.httpVersion !== sent.httpVersion) return 'the version differs'
  if (!sameFields(exchange.headers, sent.headers)) return 'the header fields differ'
  return body === sent.body ? undefined : 'the body differs'
}

function sameFields(left: HeaderList, right: HeaderList): boolean {
  return (
    left.length === right.length &&
    left.every(([name, value], i) => {
      const other = right[i]
      return other !== undefined && name.toLowerCase() === other[0].toLowerCase() && value === other[1]
    })
  )
}
