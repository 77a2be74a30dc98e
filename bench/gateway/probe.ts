import { once } from 'node:events'
import { connect } from 'node:net'
import type { Workload } from './workload.js'

const ANSWER_MS = 30_000

/** Sends each request of a workload once, one after another. Throws at the first answer with another status. */
export async function probe(
  port: number,
  { name, requests }: Workload,
  expected: number,
  server: string,
): Promise<void> {
  const socket = connect(port, '127.0.0.1').setTimeout(ANSWER_MS)
  socket.on('timeout', () => socket.destroy(new Error(`no answer in ${ANSWER_MS / 1000} s`)))
  await once(socket, 'connect')
  try {
    for (const [index, request] of requests.entries()) {
      const status = await exchange(socket, request)
      if (status !== expected)
        throw new Error(
          `${server} answers request ${index} of "${name}" with ${status} instead of ${expected}:\n${request.slice(0, 500)}`,
        )
    }
  } finally {
    socket.destroy()
  }
}

/** The status of the answer, once it is here to its end. */
const exchange = (socket: ReturnType<typeof connect>, request: string): Promise<number> =>
  new Promise((resolve, reject) => {
    let received = ''
    const settle = (): void => {
      socket.off('data', onData).off('error', onError).off('close', onClose)
    }
    const onData = (chunk: Buffer): void => {
      received += chunk.toString('latin1')
      const end = received.indexOf('\r\n\r\n')
      if (end < 0 || !isWhole(received, end)) return
      settle()
      resolve(Number(received.slice(9, 12)))
    }
    const onError = (error: Error): void => {
      settle()
      reject(error)
    }
    const onClose = (): void =>
      onError(new Error(`the connection was closed; received: ${received.slice(0, 200)}`))
    socket.on('data', onData).on('error', onError).on('close', onClose)
    socket.write(request, 'latin1')
  })

const isWhole = (text: string, end: number): boolean => {
  const head = text.slice(0, end)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return text.length >= end + 4 + Number(length)
  return /\r\ntransfer-encoding: *chunked/i.test(head) && text.endsWith('0\r\n\r\n')
}
