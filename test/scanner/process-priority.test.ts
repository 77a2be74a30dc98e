import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { getPriority } from 'node:os'
import t from 'tap'
import { standBack } from '../../scanner/process-priority.js'

t.test('a process stands back for others, and what cannot be done is said', async (t) => {
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  t.equal(await standBack(child.pid!, { nice: 7, idleIo: false }), undefined)
  t.equal(getPriority(child.pid!), 7)
  t.equal(await standBack(child.pid!, { nice: 0, idleIo: true }), undefined)
  t.equal(getPriority(child.pid!), 7, 'nobody is put in front again')
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.match(await standBack(child.pid!, { nice: 7, idleIo: false }), /could not be set/)
})
