import type { ChainReader } from '../../proofs/anchor.js'
import { NodeReader } from './chain-reader.js'
import { JsonRpc } from './json-rpc.js'
import type { JsonRpcOptions } from './json-rpc.js'
import { ChainNode } from './node.js'

/** Readers of anchors, and what has to be closed after use. */
export interface Readers {
  readonly all: readonly ChainReader[]
  close(): Promise<void>
}

/**
 * A reader for each endpoint.
 *
 * @param confirmations blocks that make a block final, for a chain without the tag `finalized`
 * @throws RuntimeError `OUTBOUND_REFUSED`
 */
export function openReaders(
  urls: readonly string[],
  options: JsonRpcOptions,
  confirmations?: number,
): Readers {
  const nodes = urls.map((url) => new ChainNode(new JsonRpc(url, options), confirmations))
  return {
    all: nodes.map((node) => new NodeReader(node)),
    close: async () => {
      await Promise.all(nodes.map((node) => node.close()))
    },
  }
}
