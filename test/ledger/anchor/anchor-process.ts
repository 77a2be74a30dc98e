/** An anchorer in a process of its own, to be killed: it looks at the chain until its anchor is final. */
import { setTimeout as pause } from 'node:timers/promises'
import { openAnchoring } from '../../../ledger/anchor/anchoring.js'
import { anchorConfig } from '../../../ledger/anchor/config.js'
import { createLogger } from '../../../runtime/log.js'

const [folder = '', rpc = '', contract = '', key = '', logId = ''] = process.argv.slice(2)
const root = Buffer.alloc(32, 7)
const anchoring = await openAnchoring({
  folder,
  config: [
    anchorConfig.parse({
      name: 'local',
      chain_id: 31337,
      rpc: [rpc],
      contract,
      key: 'env:KEY',
      timeout_seconds: 5,
    }),
  ],
  outbound: { allow: ['127.0.0.0/8'] },
  log: {
    logId,
    newest: () => ({ size: 3, root, note: Buffer.from('a checkpoint') }),
    rootAt: () => root,
  },
  clock: { now: () => Date.now() },
  logger: createLogger({ level: 'silent', role: 'test' }),
  env: { KEY: key },
})
while (anchoring.covering(1).length === 0) {
  await anchoring.pass()
  await pause(5)
}
await anchoring.stop()
