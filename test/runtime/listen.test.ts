import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { addressOf, bindFailure, listenOnAddress, listenOnPath } from '../../runtime/listen.js'

const serving = (t: Test) => {
  const server = createServer((socket) => socket.end())
  t.teardown(() => server.close())
  return server
}

/** A folder whose path is short enough for sockets. */
const folderFor = (t: Test): string => {
  const folder = mkdtempSync(join(tmpdir(), 'listen-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

t.test(
  'a TCP address that cannot be bound is named with its cause and the key that changes it',
  async (t) => {
    const first = serving(t)
    await listenOnAddress(first, { host: '127.0.0.1', port: 0 }, 'ledger.listen')
    const address = addressOf(first.address())
    const port = Number(address.split(':')[1])
    await t.rejects(listenOnAddress(serving(t), { host: '127.0.0.1', port }, 'ledger.listen'), {
      code: 'LISTEN_FAILED',
      message: `cannot listen on ${address}: the port is taken; choose another with ledger.listen`,
      cause: { code: 'EADDRINUSE' },
    })
    await t.rejects(listenOnAddress(serving(t), { host: '192.0.2.1', port: 80 }, '--admin HOST:PORT'), {
      message:
        'cannot listen on 192.0.2.1:80: this machine has no such address; choose another with --admin HOST:PORT',
    })
  },
)

t.test('an IPv6 address is written with brackets', async (t) => {
  const server = serving(t)
  await listenOnAddress(server, { host: '::1', port: 0 }, 'ledger.listen')
  t.match(addressOf(server.address()), /^\[::1\]:\d+$/)
})

t.test('a cause that is no failed bind has no reason', async (t) => {
  t.equal(bindFailure(new Error('other', { cause: 'text' })), undefined)
  t.equal(
    bindFailure(new Error('outer', { cause: Object.assign(new Error(), { code: 'EACCES' }) })),
    'this user may not bind it',
  )
})

t.test('a socket has its mode, and replaces one that nobody serves', async (t) => {
  const path = join(folderFor(t), 'left.sock')
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`
  t.throws(() => execFileSync(process.execPath, ['-e', script]))
  t.ok(statSync(path).isSocket(), 'the killed process left it')
  const umask = process.umask()
  const server = serving(t)
  await listenOnPath(server, path, 0o600)
  t.equal(statSync(path).mode & 0o777, 0o600)
  t.equal(process.umask(), umask)
  t.equal(addressOf(server.address()), path)
  const socket = connect(path).resume()
  await once(socket, 'close')
})

t.test('a socket that is served, and a file that is none, are left alone', async (t) => {
  const folder = folderFor(t)
  writeFileSync(join(folder, 'file'), 'kept')
  const path = join(folder, 'busy.sock')
  const first = serving(t)
  await listenOnPath(first, path, 0o600)
  await t.rejects(listenOnPath(serving(t), path, 0o600), {
    code: 'LISTEN_FAILED',
    message: `cannot listen on ${path}: another process serves it`,
  })
  await once(connect(path).resume(), 'close')
  t.pass('the first still serves')
  await t.rejects(listenOnPath(serving(t), join(folder, 'file'), 0o600), { message: /is no socket/ })
  await t.rejects(listenOnPath(serving(t), join(folder, 'missing', 'a.sock'), 0o600), {
    code: 'LISTEN_FAILED',
  })
})

t.test('a path that would be cut is refused', async (t) => {
  const path = join(folderFor(t), 'x'.repeat(100))
  await t.rejects(listenOnPath(serving(t), path, 0o600), {
    code: 'LISTEN_FAILED',
    message: /at most 103 bytes/,
  })
})
