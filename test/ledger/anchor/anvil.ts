/** A real chain for tests: anvil, one process per chain. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const arch = process.arch === 'x64' ? 'amd64' : process.arch
const binary = fileURLToPath(import.meta.resolve(`@foundry-rs/anvil-${process.platform}-${arch}/bin/anvil`))

/** Keys of the accounts that anvil gives 10,000 ether. */
export const ACCOUNTS = [
  {
    key: 'ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80',
    address: 'f39fd6e51aad88f6f4ce6ab8827279cfffb92266',
  },
  {
    key: '59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d',
    address: '70997970c51812dc3a010c7d01b50e0d17dc79c8',
  },
  {
    key: '5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a',
    address: '3c44cdddb6a900fa2b585dd299e03d12fa4293bc',
  },
] as const

export interface Chain {
  readonly url: string
  readonly pid: number
  rpc(method: string, ...params: readonly unknown[]): Promise<unknown>
  mine(blocks?: number): Promise<void>
  close(): Promise<void>
}

/**
 * Boots a chain. Blocks are made on `mine` only; with `--slots-in-an-epoch 1` a block is safe one block later and final
 * two blocks later.
 */
export async function startAnvil(...options: readonly string[]): Promise<Chain> {
  const args = ['--host', '127.0.0.1', '--port', '0', '--no-mining', '--slots-in-an-epoch', '1', ...options]
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let url: string | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    const [, address] = /^Listening on (\S+)$/.exec(line) ?? []
    if (address !== undefined) {
      url = `http://${address}`
      break
    }
  }
  if (url === undefined) throw new Error('anvil did not start')
  child.stdout.resume()
  const at = url
  const rpc = (method: string, ...params: readonly unknown[]) => call(at, method, params)
  return {
    url,
    pid: child.pid!,
    rpc,
    mine: async (blocks = 1) => {
      for (let i = 0; i < blocks; i++) await rpc('evm_mine')
    },
    close: async () => {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

async function call(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  })
  const answer = (await response.json()) as { result?: unknown; error?: { message: string; data?: unknown } }
  if (answer.error) throw Object.assign(new Error(answer.error.message), { data: answer.error.data })
  return answer.result
}
