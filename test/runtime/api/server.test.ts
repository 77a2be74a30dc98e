import { once } from 'node:events'
import { statSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { problemError, problemsOf } from '../../../runtime/api/problem.js'
import { json } from '../../../runtime/api/response.js'
import { serveSocket, serveTcp, type Api, type UpgradeHandler } from '../../../runtime/api/server.js'
import { requestOverSocket } from '../../../runtime/unix-socket.js'

const problem = problemsOf('sample')
const MAX_BODY = 8

/** Repeats what it is given; `/closed` it takes from nobody. */
const api: Api = {
  problem,
  admit: ({ method, target, channel, remote }) =>
    target === '/closed'
      ? problem(401, 'unauthorized', 'not here')
      : {
          maxBody: MAX_BODY,
          answer: async (body) =>
            json(200, { method, target, channel, remote, body: Buffer.from(body).toString() }),
        },
}

const tcp = async (t: Test, upgrades: Readonly<Record<string, UpgradeHandler>> = {}) => {
  const server = await serveTcp(api, { host: '127.0.0.1', port: 0, setting: 'sample.listen', upgrades })
  t.teardown(() => server.close())
  return server.address
}

/** All that comes back for what is sent. */
const raw = async (address: string, sent: string): Promise<string> => {
  const [host, port] = address.split(':')
  const socket = connect(Number(port), host)
  socket.end(sent)
  return text(socket)
}

t.test('a request is answered over TCP with the address of its caller', async (t) => {
  const answer = await fetch(`http://${await tcp(t)}/v1/things?a=b`, { method: 'POST', body: 'body' })
  t.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  t.strictSame(await answer.json(), {
    method: 'POST',
    target: '/v1/things?a=b',
    channel: 'tcp',
    remote: '127.0.0.1',
    body: 'body',
  })
})

t.test('a body over the limit is refused and not read, announced or not', async (t) => {
  const address = await tcp(t)
  const announced = await fetch(`http://${address}/`, { method: 'POST', body: 'x'.repeat(MAX_BODY + 1) })
  t.equal(announced.status, 413)
  t.equal(announced.headers.get('connection'), 'close')
  t.match(await announced.json(), { type: 'urn:portcullis:sample:too_large', code: 'too_large', status: 413 })
  const chunked = await raw(
    address,
    'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n',
  )
  t.match(chunked, /^HTTP\/1\.1 413 /)
})

t.test('whoever may not post is answered before the body is sent', async (t) => {
  const answer = await raw(
    await tcp(t),
    'POST /closed HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n',
  )
  t.match(answer, /^HTTP\/1\.1 401 /)
  t.match(answer, /connection: close/i)
})

t.test('HEAD has the length of the body and none', async (t) => {
  const answer = await fetch(`http://${await tcp(t)}/`, { method: 'HEAD' })
  t.ok(Number(answer.headers.get('content-length')) > 0)
  t.equal(await answer.text(), '')
})

t.test('an upgrade reaches the handler of its path and nothing else', async (t) => {
  const address = await tcp(t, { '/tunnel': (_request, socket) => void socket.end('taken') })
  const ask = (path: string) =>
    raw(address, `GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`)
  t.equal(await ask('/tunnel?id=1'), 'taken')
  t.match(await ask('/other'), /^HTTP\/1\.1 404 /)
  t.match(await ask('/__proto__'), /^HTTP\/1\.1 404 /)
})

t.test('an upgrade that is refused ends its connection, whether or not its caller does', async (t) => {
  const upgrades = { '/tunnel': () => undefined }
  const server = await serveTcp(api, { host: '127.0.0.1', port: 0, setting: 'sample.listen', upgrades })
  const [host, port] = server.address.split(':')
  const caller = connect({ port: Number(port), ...(host === undefined ? {} : { host }), allowHalfOpen: true })
  t.teardown(() => caller.destroy())
  caller.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
  // Unlike a reader to the end, this leaves the caller's half open.
  t.match(String((await once(caller, 'data'))[0]), /^HTTP\/1\.1 404 /)
  await server.close()
})

t.test('without upgrades, whoever asks for another protocol is answered in this one', async (t) => {
  const answer = await raw(
    await tcp(t),
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAA\r\n\r\n',
  )
  t.match(answer, /^HTTP\/1\.1 200 /)
})

t.test('a folder is served once, to its owner only', async (t) => {
  const folder = t.testdir()
  const server = await serveSocket(api, folder, 'sample.sock')
  t.equal(server.address, join(folder, 'sample.sock'))
  t.equal(statSync(server.address).mode & 0o777, 0o600)
  await t.rejects(serveSocket(api, folder, 'sample.sock'), {
    code: 'LISTEN_FAILED',
    message: /another process/,
  })
  const answer = await requestOverSocket(folder, 'sample.sock', { method: 'GET', target: '/v1' })
  t.match(JSON.parse(Buffer.from(answer.body).toString()), { channel: 'local' })
  await server.close()
  await (await serveSocket(api, folder, 'sample.sock')).close()
})

t.test('a caller that never ends its request does not keep the server from ending', async () => {
  const server = await serveTcp(api, { host: '127.0.0.1', port: 0, setting: 'sample.listen' })
  const [host, port] = server.address.split(':')
  const idle = connect(Number(port), host)
  await once(idle, 'connect')
  const ended = once(idle, 'close')
  await server.close()
  await ended
})

t.test('a problem becomes an error with its code; anything else is told by its status', async (t) => {
  const error = problemError(problem(404, 'not_found', 'there is no such thing'), 'sample')
  t.match(error, { code: 'NOT_FOUND', message: 'there is no such thing' })
  const answer = { status: 502, headers: {}, body: Buffer.from('<html>') }
  t.match(problemError(answer, 'sample'), { code: 'SAMPLE_ERROR', message: 'the sample answered 502' })
})
