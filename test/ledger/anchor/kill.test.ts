import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { compile } from '../compiled.js'
import { ACCOUNTS, startAnvil } from './anvil.js'
import { HANG, RpcProxy } from './rpc-proxy.js'
import { deploy } from './sample-anchoring.js'

/** Calls between one that the anchorer is killed at and the next; the full run is `PORTCULLIS_ANCHOR_KILL_STEP=1`. */
const STEP = Number(process.env['PORTCULLIS_ANCHOR_KILL_STEP'] ?? 3)

t.test(
  'killed at any call, before or after it took effect, an anchorer makes exactly one anchor',
  async (t) => {
    const base = t.testdir({ compiled: {} })
    await compile(join(base, 'compiled'))
    const program = join(base, 'compiled', 'test', 'ledger', 'anchor', 'anchor-process.js')
    const { NODE_OPTIONS: _, ...env } = process.env
    const chain = await startAnvil()
    const proxy = await RpcProxy.start(chain.url)
    t.teardown(async () => {
      await proxy.close()
      await chain.close()
    })
    const contract = await deploy(chain)
    const [{ key, address }] = ACCOUNTS
    const nonce = async (): Promise<number> =>
      Number(await chain.rpc('eth_getTransactionCount', `0x${address}`, 'latest'))

    /** Runs an anchorer until it ends by itself or, at call number `killAt`, by SIGKILL. */
    const run = async (
      folder: string,
      logId: string,
      killAt: number,
      takesEffect: boolean,
    ): Promise<boolean> => {
      const args = [folder, proxy.url, `0x${contract}`, key, logId]
      const child = fork(program, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [], env })
      const gone = once(child, 'exit')
      let calls = 0
      proxy.lie = async (call, truth) => {
        // Each look finds one block more.
        if (call.method === 'eth_chainId') await chain.mine()
        if (++calls !== killAt) return truth()
        if (takesEffect) await truth()
        child.kill('SIGKILL')
        return HANG
      }
      const [code] = (await gone) as [number | null]
      return code === 0
    }

    let killed = 0
    for (let killAt = 1; ; killAt += STEP) {
      const takesEffect = killed % 2 === 0
      const logId = killAt.toString(16).padStart(64, '0')
      const folder = join(base, `ledger-${killAt}`)
      await mkdir(folder, { mode: 0o700 })
      const before = await nonce()
      const ended = await run(folder, logId, killAt, takesEffect)
      if (!ended) {
        killed++
        t.ok(await run(folder, logId, Infinity, false), `killed at call ${killAt}`)
      }
      t.equal((await nonce()) - before, 1, 'one transaction')
      if (ended) break
    }
    t.ok(killed >= 5, `killed ${killed} times`)
  },
)
