import type { Anchor, AnchorObservation } from '../../proofs/anchor.js'
import { messageOf } from '../../runtime/errors.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { readSecret } from '../../runtime/secret.js'
import { NodeReader } from './chain-reader.js'
import { AnchorError } from './errors.js'
import { JsonRpc } from './json-rpc.js'
import { ChainNode } from './node.js'

/** How nodes say that they have a transaction already, which is as good as taking it. */
const KNOWN = /already known|already imported|known transaction/i

/** All endpoints of one chain. */
export class ChainNodes {
  readonly #nodes: readonly ChainNode[]
  readonly #chainId: number
  #preferred = 0

  constructor(nodes: readonly ChainNode[], chainId: number) {
    this.#nodes = nodes
    this.#chainId = chainId
  }

  /**
   * The first endpoint that answers and serves the right chain; asked anew each time, because an endpoint may change.
   *
   * @throws AnchorError of the last endpoint when there is none
   */
  async pick(): Promise<ChainNode> {
    let failure: unknown
    for (let i = 0; i < this.#nodes.length; i++) {
      const at = (this.#preferred + i) % this.#nodes.length
      const node = this.#nodes[at]
      if (node === undefined) break
      try {
        await node.assertChain(this.#chainId)
        this.#preferred = at
        return node
      } catch (error) {
        failure = error
      }
    }
    throw failure instanceof Error ? failure : new AnchorError('RPC_FAILED', 'there is no endpoint')
  }

  /** Begins with the next endpoint when one is picked again. */
  avoid(node: ChainNode): void {
    this.#preferred = (this.#nodes.indexOf(node) + 1) % this.#nodes.length
  }

  /**
   * Hands a transaction to every endpoint of the right chain.
   *
   * @returns why none took it; undefined when one did
   */
  async broadcast(raw: string): Promise<string | undefined> {
    const outcomes = await Promise.all(
      this.#nodes.map(async (node) => {
        try {
          await node.assertChain(this.#chainId)
          await node.send(raw)
          return undefined
        } catch (error) {
          return KNOWN.test(messageOf(error)) ? undefined : messageOf(error)
        }
      }),
    )
    return outcomes.includes(undefined) ? undefined : outcomes[0]
  }

  /** What every endpoint says about an anchor. */
  observe(anchor: Anchor): Promise<AnchorObservation[]> {
    return Promise.all(this.#nodes.map((node) => new NodeReader(node).observe(anchor)))
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close()))
  }
}

export interface NodeOptions {
  readonly chainId: number
  /** URLs, or `env:NAME` or `file:PATH` for one that holds a key. */
  readonly rpc: readonly string[]
  readonly outbound: OutboundConfig
  readonly timeoutMs: number
  readonly confirmations?: number | undefined
  readonly env: Readonly<Record<string, string | undefined>>
}

/** Reads where the endpoints are; nothing is asked yet. */
export async function openNodes(options: NodeOptions): Promise<ChainNodes> {
  const nodes: ChainNode[] = []
  for (const reference of options.rpc) {
    const isReference = reference.startsWith('env:') || reference.startsWith('file:')
    const url = isReference ? (await readSecret(reference, options.env)).trim() : reference
    nodes.push(new ChainNode(new JsonRpc(url, options), options.confirmations))
  }
  return new ChainNodes(nodes, options.chainId)
}
