import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { listenStrict } from '../../../../gateway/listener/strict/listen.js'

/** A server that answers each request with what it took it for. */
export interface Peer {
  readonly name: 'strict' | 'node' | 'nginx'
  readonly port: number
}

/** What a server made of bytes: the requests that it took, and whether it refused what came behind them. */
export interface Reading {
  readonly taken: readonly string[]
  /** The status of the refusal; 0 when it closed without one. */
  readonly refused: number
}

const say = (method: string, target: string, body: string): string => JSON.stringify([method, target, body])

/** Our own, which reports to `reasons` why it refuses. */
export async function strictPeer(t: Test, reasons: string[]): Promise<Peer> {
  const listener = await listenStrict({
    host: '127.0.0.1',
    port: 0,
    timeouts: { headersMs: 20_000, idleMs: 20_000, bodyIdleMs: 20_000 },
    maxHeaderBytes: 16 * 1024,
    onExchange: (request) => {
      if (request.refuse !== undefined) {
        reasons.push(request.refuse)
        request.respond(400, [])
        return
      }
      let body = ''
      request.body.sendContinue()
      request.body.read({
        onData: (chunk) => (body += Buffer.from(chunk).toString('latin1')),
        onEnd: () => request.respond(200, [], say(request.method, request.target, body)),
        onError: () => request.respond(400, []),
      })
    },
    onUpgrade: (upgrade) => upgrade.respond(403, []),
    onMalformed: ({ reason }) => reasons.push(reason),
    onFailure: (error) => t.fail(String(error)),
  })
  t.teardown(() => listener.close(0))
  return { name: 'strict', port: listener.address.port }
}

const answer: RequestListener = (req, res) => {
  let body = ''
  req.setEncoding('latin1')
  req.on('data', (text: string) => (body += text))
  req.on('end', () => res.end(Buffer.from(say(req.method ?? '', req.url ?? '', body), 'latin1')))
}

export async function nodePeer(t: Test): Promise<Peer> {
  const server = createServer({ keepAliveTimeout: 20_000 }, answer)
  // Its own answer to what it cannot parse would overtake the answers to what came before.
  server.on('clientError', (_error, socket) => {
    setImmediate(() => setImmediate(() => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { name: 'node', port: (server.address() as AddressInfo).port }
}

/** nginx as a proxy, in front of a server that says what nginx made of the request and takes all that it may send. */
export async function nginxPeer(t: Test): Promise<Peer> {
  const upstream = (await strictPeer(t, [])).port
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-nginx-'))
  const port = await freePort()
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(' ')
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;
    events { worker_connections 512; }
    http { ${paths} access_log off; keepalive_timeout 20s; lingering_close off;
      server { listen 127.0.0.1:${port};
        location / { proxy_http_version 1.1; proxy_pass http://127.0.0.1:${upstream}; } } }`,
  )
  const nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
  const gone = once(nginx, 'exit')
  t.teardown(async () => {
    nginx.kill('SIGTERM')
    await gone
    rmSync(folder, { recursive: true, force: true })
  })
  await reachable(port)
  return { name: 'nginx', port }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  return port
}

async function reachable(port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const reached = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true))
      socket.once('error', () => resolve(false))
    })
    socket.destroy()
    if (reached) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

/** Sends bytes over a connection of their own and tells what the server made of them. */
export async function readingOf(peer: Peer, bytes: string): Promise<Reading> {
  const socket = connect(peer.port, '127.0.0.1')
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', () => undefined)
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.write(Buffer.from(bytes, 'latin1'))
  // Nobody closes while it waits for more; these servers answer at once or wait.
  socket.setTimeout(300, () => socket.destroy())
  await closed
  return readResponses(Buffer.concat(chunks).toString('latin1'))
}

function readResponses(text: string): Reading {
  const taken: string[] = []
  let rest = text
  for (;;) {
    const head = /^HTTP\/1\.[01] (\d{3})[^]*?\r\n\r\n/.exec(rest)
    if (head === null) return { taken, refused: 0 }
    const status = Number(head[1])
    rest = rest.slice(head[0].length)
    if (status === 100) continue
    if (status !== 200) return { taken, refused: status }
    const length = /\r\ncontent-length: *(\d+)/i.exec(head[0])?.[1]
    const chunked = /\r\ntransfer-encoding: *chunked/i.test(head[0])
    const size = length === undefined ? rest.length : Number(length)
    const [content, behind] = chunked ? unchunked(rest) : [rest.slice(0, size), rest.slice(size)]
    taken.push(content)
    rest = behind
  }
}

function unchunked(text: string): [string, string] {
  let content = ''
  let rest = text
  for (;;) {
    const size = /^([0-9a-f]+)\r\n/i.exec(rest)
    if (size === null) return [content, '']
    const length = Number.parseInt(size[1] ?? '0', 16)
    rest = rest.slice(size[0].length)
    if (length === 0) return [content, rest.slice(2)]
    content += rest.slice(0, length)
    rest = rest.slice(length + 2)
  }
}
