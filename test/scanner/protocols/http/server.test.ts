import { request as send } from 'node:http'
import t from 'tap'
import { splitHostPort } from '../../../../runtime/host-port.js'
import { serveHttp } from '../../../../scanner/protocols/http/server.js'
import { EICAR, sha256 } from '../../sample-files.js'
import { scanService } from '../service.js'

const TOKEN = 'a-token-of-this-test'
const LIMIT = 3_000_000
const service = await scanService(t, LIMIT)
const server = await serveHttp({ host: '127.0.0.1', port: 0 }, TOKEN, service)
t.teardown(() => server.close())
const { host, port } = splitHostPort(server.address)

interface Asked {
  readonly path?: string
  readonly method?: string
  readonly token?: string
}

const ask = (
  pieces: readonly string[],
  { path = '/v1/scan', method = 'POST', token = TOKEN }: Asked = {},
): Promise<{ status: number | undefined; body: unknown }> =>
  new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, 'transfer-encoding': 'chunked' }
    const request = send({ host, port, path, method, headers }, (response) => {
      const read: Buffer[] = []
      response.on('data', (piece: Buffer) => read.push(piece))
      response.on('end', () =>
        resolve({ status: response.statusCode, body: JSON.parse(Buffer.concat(read).toString()) }),
      )
    })
    request.on('error', reject)
    for (const piece of pieces) request.write(piece)
    request.end()
  })

t.test('a body is judged as it comes', async (t) => {
  t.match(await ask([EICAR], { path: '/v1/scan?name=a%2Fb' }), {
    status: 200,
    body: {
      path: 'a/b',
      verdict: 'malicious',
      sha256: sha256(EICAR),
      reasons: [{ rule: 'EICAR-Test-File' }],
    },
  })
  t.match(await ask([EICAR.slice(0, 9), EICAR.slice(9)]), { body: { path: 'stream', verdict: 'malicious' } })
  t.match(await ask(['x']), { status: 200, body: { verdict: 'clean', size: 1 } })
  t.match(await ask([]), { status: 200, body: { verdict: 'clean', size: 0 } })
  t.match(await ask(['x'.repeat(2_000_000)]), { body: { verdict: 'clean', size: 2_000_000 } })
  t.equal(service.found.length, 2, 'and what is found is recorded')
})

t.test('what is not judged says why', async (t) => {
  t.match(await ask(['x'], { token: 'another' }), { status: 401, body: { error: 'unauthorized' } })
  t.match(await ask(['x'], { path: '/v1/other' }), { status: 404, body: { error: 'not_found' } })
  t.match(await ask([], { method: 'PUT' }), { status: 405 })
  t.match(await ask(['x'], { path: `/v1/scan?name=${'n'.repeat(256)}` }), { status: 400 })
  const piece = 'x'.repeat(LIMIT / 2 + 1)
  t.match(await ask([piece, piece]), { status: 413, body: { error: 'too_large' } })
})

t.test('a client that goes away in the middle leaves the others alone', async (t) => {
  const request = send({
    host,
    port,
    path: '/v1/scan',
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}` },
  })
  request.on('error', () => undefined)
  request.write(EICAR)
  await new Promise<void>((resolve) =>
    request.once('socket', (socket) => socket.once('connect', () => resolve())),
  )
  request.destroy()
  t.match(await ask(['x']), { status: 200 })
})

t.test('anybody may ask how it is, and without a token nothing is judged', async (t) => {
  const open = await serveHttp({ host: '127.0.0.1', port: 0 }, undefined, service)
  t.teardown(() => open.close())
  const get = async (path: string): Promise<string> => (await fetch(`http://${open.address}${path}`)).text()
  t.strictSame(JSON.parse(await get('/health')), { status: 'ok', paused: false })
  t.strictSame(JSON.parse(await get('/ready')), { status: 'ready', problems: {} })
  t.equal(await get('/metrics'), 'portcullis_metric 1\n')
  const judged = await fetch(`http://${open.address}/v1/scan`, { method: 'POST', body: EICAR })
  t.equal(judged.status, 403)
  t.match(await judged.json(), { error: 'no_token' })
})
