import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/**
 * - `up`: everything passes
 * - `refuses`: nobody listens
 * - `hangs`: connections are taken, and nothing ever comes back
 */
export type GateState = 'up' | 'refuses' | 'hangs'

export interface Gate {
  readonly port: number
  /** What is under way is cut off; bytes that were held back never arrive. */
  set(state: GateState): Promise<void>
}

/** Stands before a server on this machine and takes it out of service, whatever it speaks. */
export async function gate(t: Test, target: number): Promise<Gate> {
  let state: GateState = 'up'
  const open = new Set<Socket>()
  const keep = (socket: Socket): void => {
    open.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => open.delete(socket))
  }
  const server = createServer((client) => {
    keep(client)
    if (state !== 'up') return void client.resume()
    const behind = connect(target, '127.0.0.1')
    keep(behind)
    client.on('close', () => behind.destroy())
    behind.on('close', () => client.destroy())
    client.pipe(behind).pipe(client)
  })
  const listen = async (port: number): Promise<void> => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
  }
  const cut = (): void => {
    for (const socket of open) socket.destroy()
  }
  await listen(0)
  const { port } = server.address() as AddressInfo
  t.teardown(() => {
    cut()
    server.close()
  })
  return {
    port,
    async set(next) {
      state = next
      cut()
      if (next === 'refuses' && server.listening) {
        server.close()
        await once(server, 'close')
      } else if (next !== 'refuses' && !server.listening) await listen(port)
    },
  }
}
