import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t from 'tap'
import { isRunning, ownMark, startTimeOf } from '../../scanner/process-mark.js'

t.test('a mark tells whether its process still runs', async (t) => {
  t.ok(isRunning(ownMark()))
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  const mark = `${child.pid}-${startTimeOf(child.pid ?? 0)}`
  t.ok(isRunning(mark))
  t.notOk(isRunning(`${child.pid}-1`), 'another process of the same number')
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.notOk(isRunning(mark))
  for (const nonsense of ['', '-', 'tmp', '../1-2', '0-0']) t.notOk(isRunning(nonsense))
})
