/** A ledger in a process of its own, to be killed. It loads, says so, and starts when it is told to. */
import { once } from 'node:events'
import { start } from './sample-role.js'

const data = process.argv[2]
if (data === undefined || process.send === undefined) throw new Error('this is started by a test')
process.send('loaded')
await once(process, 'message')
const running = await start(data)
process.send('ready')
process.on('disconnect', () => void running.stop().then(() => process.exit(0)))
