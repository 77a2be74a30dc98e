import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A Redis server of our own on a free port. */
export const redisServer = async (t: Test): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  const child = spawn('redis-server', [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--save',
    '',
    '--requirepass',
    'pw',
  ])
  t.teardown(async () => {
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  for await (const chunk of child.stdout) if (String(chunk).includes('Ready to accept')) break
  return port
}
