/** An RPC endpoint between an anchorer and a real chain that alters, withholds or delays answers, as a test says. */
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'

export interface RpcCall {
  readonly method: string
  readonly params: readonly unknown[]
}
/** Makes the answer to a call out of the true one; `hang` never answers. */
export type Lie = (call: RpcCall, truth: () => Promise<unknown>) => Promise<unknown>
export const HANG = Symbol('hang')

export class RpcProxy {
  readonly calls: RpcCall[] = []
  lie: Lie | undefined
  readonly #server: Server
  readonly #target: string

  private constructor(target: string) {
    this.#target = target
    this.#server = createServer((request, response) => {
      void (async () => {
        const body = await text(request)
        const call = JSON.parse(body) as RpcCall & { id: number }
        this.calls.push(call)
        const truth = async (): Promise<unknown> => {
          const answer = await fetch(this.#target, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body,
          })
          return answer.json()
        }
        const told =
          this.lie === undefined
            ? await truth()
            : await this.lie(call, async () => ((await truth()) as { result: unknown }).result)
        if (told === HANG) return
        const answer = this.lie === undefined ? told : { jsonrpc: '2.0', id: call.id, result: told }
        response.setHeader('content-type', 'application/json')
        response.end(
          typeof told === 'string' && told.startsWith('RAW:') ? told.slice(4) : JSON.stringify(answer),
        )
      })().catch(() => response.destroy())
    })
  }

  static async start(target: string): Promise<RpcProxy> {
    const proxy = new RpcProxy(target)
    proxy.#server.listen(0, '127.0.0.1')
    await once(proxy.#server, 'listening')
    return proxy
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#server.closeAllConnections()
    await closed
  }
}
