/** The load: keep-alive clients of one process, each posting its next signed request when the last is answered. */
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { once } from 'node:events'
import { noteSigner } from '../../proofs/note-key.js'
import { AGENT } from './messages.js'
import type { LoadOrder, LoadResult, LoadTarget } from './messages.js'
import { signedRequests } from './requests.js'
import type { SignedRequest } from './requests.js'

const HEAD_END = '\r\n\r\n'

/** Reads the one answer that is under way on a connection. */
class Answer {
  #bytes: Buffer = Buffer.alloc(0)

  /** The body once it is complete. */
  take(chunk: Buffer): Buffer | undefined {
    this.#bytes = this.#bytes.length === 0 ? chunk : Buffer.concat([this.#bytes, chunk])
    const end = this.#bytes.indexOf(HEAD_END)
    if (end < 0) return undefined
    const head = this.#bytes.toString('latin1', 0, end)
    const length = Number(/\r\ncontent-length: (\d{1,9})/i.exec(head)?.[1] ?? Number.NaN)
    if (this.#bytes.length < end + 4 + length) return undefined
    const body = this.#bytes.subarray(end + 4)
    this.#bytes = Buffer.alloc(0)
    if (!head.startsWith('HTTP/1.1 201 ')) throw new Error(`not created: ${head}\n${body.toString('utf8')}`)
    return body
  }
}

async function run(
  order: LoadOrder,
  target: LoadTarget,
  requests: readonly (readonly SignedRequest[])[],
): Promise<LoadResult> {
  const sockets: Socket[] = []
  for (let i = 0; i < order.clients; i++) {
    const socket = connect(target.port, target.host).setNoDelay(true)
    await once(socket, 'connect')
    sockets.push(socket)
  }
  const latencies: number[] = []
  const answers: { leaf: Uint8Array; proof: Uint8Array }[] = []
  const cpu = process.cpuUsage()
  const start = performance.now()
  const until = start + order.seconds * 1000
  let ranOut = false
  const client = async (socket: Socket, own: readonly SignedRequest[]): Promise<void> => {
    const answer = new Answer()
    let next = 0
    let sent = 0
    await new Promise<void>((resolve, reject) => {
      const post = (): void => {
        const request = own[next]
        if (request === undefined) ranOut = true
        if (request === undefined || performance.now() >= until) return resolve()
        sent = performance.now()
        socket.cork()
        socket.write(request.head(target), 'latin1')
        socket.write(request.body)
        socket.uncork()
      }
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the ledger closed a connection')))
      socket.on('data', (chunk) => {
        try {
          const proof = answer.take(chunk)
          if (proof === undefined) return
          latencies.push(performance.now() - sent)
          const leaf = own[next++]?.leaf
          if (leaf !== undefined) answers.push({ leaf, proof })
          post()
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
        }
      })
      post()
    })
    socket.removeAllListeners('close').destroy()
  }
  await Promise.all(sockets.map((socket, i) => client(socket, requests[i] ?? [])))
  const seconds = (performance.now() - start) / 1000
  const used = process.cpuUsage(cpu)
  return {
    seconds,
    answered: latencies.length,
    ranOut,
    latencies: Float64Array.from(latencies).sort(),
    answers,
    cpuSeconds: (used.user + used.system) / 1e6,
  }
}

const tell = (message: unknown): Promise<void> =>
  new Promise((resolve, reject) => {
    process.send?.(message, (error: Error | null) => (error === null ? resolve() : reject(error)))
  })

const [order] = (await once(process, 'message')) as [LoadOrder]
const signer = noteSigner(AGENT, order.seed)
const each = Math.ceil(order.requests / order.clients)
const requests = Array.from({ length: order.clients }, (_, i) => [
  ...signedRequests(order.row, signer, i, each),
])
await tell('signed')
const [target] = (await once(process, 'message')) as [LoadTarget]
await tell(await run(order, target, requests))
process.disconnect()
