/** A witness alone in a process, as `portcullis witness` runs it. */
import { startWitness } from '../../ledger/witness/role.js'
import { witnessConfig } from '../../ledger/witness/config.js'
import { createLogger } from '../../runtime/log.js'

const [data, vkey] = process.argv.slice(2)
if (data === undefined || vkey === undefined) throw new Error('started by ledger-process.ts')
const { info } = await startWitness({
  data,
  config: witnessConfig.parse({
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    logs: [{ vkey, requests_per_minute: 60_000 }],
  }),
  defaultName: 'witness.example',
  clock: { now: () => Date.now() },
  log: createLogger({ level: 'error', role: 'witness' }),
  onFatal: (error) => {
    throw error
  },
})
process.send?.({ vkey: info['vkey'], listen: info['listen'] })
process.on('disconnect', () => process.exit())
