import { execFile } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import { array, assert, asyncProperty, constantFrom, oneof, uint8Array } from 'fast-check'
import t from 'tap'
import { splitHostPort } from '../../../../runtime/host-port.js'
import { serveConnections } from '../../../../scanner/protocols/connections.js'
import { icapConfig, type IcapPolicy } from '../../../../scanner/protocols/icap/config.js'
import { serveIcap } from '../../../../scanner/protocols/icap/session.js'
import { EICAR } from '../../sample-files.js'
import { scanService } from '../service.js'

const RULE = 'EICAR-Test-File'
const LIMIT = 3_000_000
const base = t.testdir({ 'odd.yar': 'rule Odd : suspicious { strings: $a = "odd-sign" condition: $a }\n' })
const service = await scanService(t, LIMIT, { yara_rules: [join(base, 'odd.yar')] })
const times = { head: 500, idle: 500, body: 2_000 }

const listening = async (policy: Partial<IcapPolicy> = {}): Promise<{ host: string; port: number }> => {
  const full = icapConfig.parse(policy)
  const server = await serveConnections(
    { host: '127.0.0.1', port: 0, setting: 'scanner.icap.listen' },
    (socket) => serveIcap(socket, service, full, times),
    service.log,
  )
  t.teardown(() => server.close())
  return splitHostPort(server.address)
}
const strict = await listening()

/** All that comes back on one connection for what is sent at once. */
const ask = async (sent: string | Buffer, to = strict): Promise<string> => {
  const socket = connect(to)
  const pieces: Buffer[] = []
  socket.on('data', (piece) => pieces.push(piece))
  socket.on('error', () => undefined)
  socket.write(sent)
  await new Promise((resolve) => socket.once('close', resolve))
  return Buffer.concat(pieces).toString('latin1')
}

const REQUEST = 'POST /upload?token=secret HTTP/1.1\r\nHost: example.org\r\n'
const chunked = (content: string | Buffer, end = '0\r\n\r\n'): Buffer =>
  Buffer.concat([
    Buffer.from(content.length === 0 ? '' : `${content.length.toString(16)}\r\n`),
    Buffer.from(content),
    Buffer.from(content.length === 0 ? end : `\r\n${end}`),
  ])

interface Asked {
  readonly method?: 'REQMOD' | 'RESPMOD'
  readonly icap?: readonly string[]
  readonly http?: readonly string[]
  readonly body?: Buffer
}

/** A message with the fields that are given, closed by the last answer. */
const message = ({ method = 'RESPMOD', icap = [], http = [], body }: Asked): Buffer => {
  const fields = http.map((line) => `${line}\r\n`).join('')
  const request = method === 'REQMOD' ? `${REQUEST}${fields}\r\n` : `${REQUEST}\r\n`
  const response = method === 'REQMOD' ? '' : `HTTP/1.1 200 OK\r\n${fields}\r\n`
  const parts = [
    'req-hdr=0',
    ...(response === '' ? [] : [`res-hdr=${request.length}`]),
    `${body === undefined ? 'null' : method === 'REQMOD' ? 'req' : 'res'}-body=${request.length + response.length}`,
  ]
  return Buffer.concat([
    Buffer.from(
      [
        `${method} icap://127.0.0.1/scan ICAP/1.0`,
        'Host: 127.0.0.1',
        `Encapsulated: ${parts.join(', ')}`,
        ...icap,
        '\r\n',
      ].join('\r\n') +
        request +
        response,
    ),
    body ?? Buffer.alloc(0),
  ])
}
const LAST = 'Connection: close'
const status = (answer: string): number => Number(/^ICAP\/1\.0 (\d{3}) /.exec(answer)?.[1])

t.test('options tell what the service can', async (t) => {
  const answer = await ask('OPTIONS icap://h/scan?x ICAP/1.0\r\nHost: h\r\nConnection: close\r\n\r\n')
  t.match(answer, /^ICAP\/1\.0 200 OK\r\n/)
  for (const line of [
    'Methods: REQMOD, RESPMOD',
    'ISTag: "0123456789abcdef0123456789abcd"',
    'Allow: 204',
    'Preview: 1024',
    'Transfer-Preview: *',
    'Max-Connections: 256',
    'Encapsulated: null-body=0',
  ])
    t.match(answer, `\r\n${line}\r\n`)
})

t.test('a clean content is not modified: 204 where allowed, the same message where not', async (t) => {
  const body = chunked('plain')
  t.equal(status(await ask(message({ icap: ['Allow: 204', LAST], body }))), 204)
  t.equal(
    status(await ask(message({ icap: ['Preview: 1024', LAST], body: chunked('plain', '0; ieof\r\n\r\n') }))),
    204,
  )
  const echo = await ask(message({ icap: [LAST], http: ['X-A: b'], body }))
  t.match(
    echo,
    /^ICAP\/1\.0 200 OK\r\n[^]*Encapsulated: res-hdr=0, res-body=27\r\n\r\nHTTP\/1\.1 200 OK\r\nX-A: b\r\n\r\n5\r\nplain\r\n0\r\n\r\n$/,
  )
  const request = await ask(message({ method: 'REQMOD', icap: [LAST], body }))
  t.match(
    request,
    /Encapsulated: req-hdr=0, req-body=\d+\r\n\r\nPOST \/upload\?token=secret HTTP\/1\.1\r\nHost: example\.org\r\n\r\n5\r\nplain\r\n0\r\n\r\n$/,
  )
  const none = await ask(message({ method: 'REQMOD', icap: [LAST] }))
  t.match(none, /Encapsulated: req-hdr=0, null-body=\d+\r\n[^]*Host: example\.org\r\n\r\n$/)
  const large = Buffer.alloc(LIMIT, 'x')
  t.ok((await ask(message({ icap: [LAST], body: chunked(large) }))).includes('x'.repeat(60_000)))
})

t.test('a malicious content is replaced by a page, in requests and in responses', async (t) => {
  for (const method of ['REQMOD', 'RESPMOD'] as const)
    for (const icap of [['Allow: 204'], [], ['Preview: 4096']]) {
      const end = icap[0] === 'Preview: 4096' ? '0; ieof\r\n\r\n' : '0\r\n\r\n'
      const answer = await ask(message({ method, icap: [...icap, LAST], body: chunked(EICAR, end) }))
      t.match(answer, /^ICAP\/1\.0 200 OK\r\n/)
      t.match(answer, `X-Infection-Found: Type=0; Resolution=2; Threat=${RULE};\r\n`)
      t.match(answer, `X-Violations-Found: 1\r\n\thttp://example.org/upload\r\n\t${RULE}\r\n\t0\r\n\t0\r\n`)
      t.match(answer, /Encapsulated: res-hdr=0, res-body=\d+\r\n\r\nHTTP\/1\.1 403 Forbidden\r\n/)
      t.notMatch(answer, EICAR)
    }
  t.match(service.found.at(-1), { path: 'http://example.org/upload', verdict: 'malicious' })
})

t.test('after a preview the client is told to go on, and what comes then counts', async () => {
  const socket = connect(strict)
  const seen: string[] = []
  let wake = (): void => undefined
  socket.on('data', (piece) => {
    seen.push(piece.toString('latin1'))
    wake()
  })
  const until = async (text: string): Promise<void> => {
    while (!seen.join('').includes(text)) await new Promise<void>((resolve) => (wake = resolve))
  }
  for (const [rest, expected] of [
    [EICAR.slice(20), 'HTTP/1.1 403 Forbidden'],
    ['and more', 'ICAP/1.0 204'],
  ] as const) {
    seen.length = 0
    socket.write(message({ icap: ['Preview: 20', 'Allow: 204'], body: chunked(EICAR.slice(0, 20)) }))
    await until('ICAP/1.0 100 Continue\r\n\r\n')
    socket.write(chunked(rest))
    await until(expected)
    if (expected.startsWith('HTTP')) await until('</html>\n\r\n0\r\n\r\n')
  }
  socket.destroy()
})

t.test('messages follow one another on a connection', async (t) => {
  const clean = message({ icap: ['Allow: 204'], body: chunked('plain') })
  const last = message({ icap: ['Allow: 204', LAST], body: chunked('plain') })
  const answers = await ask(
    Buffer.concat([clean, Buffer.from('\r\n'), message({ body: chunked(EICAR) }), last]),
  )
  t.strictSame(answers.match(/ICAP\/1\.0 \d+/g), ['ICAP/1.0 204', 'ICAP/1.0 200', 'ICAP/1.0 204'])
})

t.test('content codings are undone before the content is judged', async (t) => {
  const asked = (coding: string, content: Buffer) =>
    ask(
      message({ icap: ['Allow: 204', LAST], http: [`Content-Encoding: ${coding}`], body: chunked(content) }),
    )
  const each: [string, Buffer][] = [
    ['gzip', gzipSync(EICAR)],
    ['deflate', deflateSync(EICAR)],
    ['br', brotliCompressSync(EICAR)],
    ['gzip, br', brotliCompressSync(gzipSync(EICAR))],
    ['identity', Buffer.from(EICAR)],
  ]
  for (const [coding, content] of each) t.match(await asked(coding, content), /HTTP\/1\.1 403/, coding)
  t.equal(status(await asked('br', brotliCompressSync('plain'))), 204)
  t.equal(
    status(await asked('br', brotliCompressSync(Buffer.alloc(2 * LIMIT)))),
    204,
    "the limit of files is the pool's",
  )
  for (const [coding, content] of [
    ['br', Buffer.from('no brotli')],
    ['gzip', gzipSync(EICAR).subarray(0, -9)],
    ['unknown', Buffer.from('x')],
    ['gzip, gzip, gzip, gzip, gzip', Buffer.from('x')],
  ] as const)
    t.match(
      await asked(coding, content),
      /X-Portcullis-Verdict: error\r\nX-Portcullis-Reason: content_coding\r\n[^]*HTTP\/1\.1 500/,
      coding,
    )
})

t.test(
  'what is suspicious, or was not judged, passes only where the policy says so, and never in silence',
  async (t) => {
    const lenient = await listening({ on_error: 'pass', on_skipped: 'pass' })
    const severe = await listening({ block: 'suspicious' })
    const damaged = message({
      icap: ['Allow: 204', LAST],
      body: chunked(gzipSync('x'.repeat(50)).subarray(0, -12)),
    })
    t.match(await ask(damaged), /X-Portcullis-Verdict: error[^]*HTTP\/1\.1 500/)
    t.match(
      await ask(damaged, lenient),
      /^ICAP\/1\.0 204[^]*X-Portcullis-Verdict: error\r\nX-Portcullis-Reason: damaged_archive/,
    )
    const large = message({ icap: ['Allow: 204', LAST], body: chunked(Buffer.alloc(LIMIT + 1)) })
    t.match(
      await ask(large),
      /X-Portcullis-Verdict: skipped\r\nX-Portcullis-Reason: too_large[^]*HTTP\/1\.1 500/,
    )
    t.match(await ask(large, lenient), /^ICAP\/1\.0 204[^]*X-Portcullis-Verdict: skipped/)
    const kept = message({ icap: [LAST], body: chunked(Buffer.alloc(LIMIT + 1)) })
    t.match(await ask(kept, lenient), /HTTP\/1\.1 500/, 'what cannot be given back is not lost in silence')
    const odd = message({ icap: ['Allow: 204', LAST], body: chunked('odd-sign') })
    t.match(await ask(odd), /^ICAP\/1\.0 204[^]*X-Portcullis-Verdict: suspicious\r\nX-Portcullis-Reason: Odd/)
    t.match(await ask(odd, severe), /HTTP\/1\.1 403/)
  },
)

t.test('the files of a form are judged each for itself, packed ones too', async (t) => {
  const form = (content: Buffer): Buffer =>
    Buffer.concat([
      Buffer.from('--b\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'),
      Buffer.from('--b\r\nContent-Disposition: form-data; name="file"; filename="a.gz"\r\n\r\n'),
      content,
      Buffer.from('\r\n--b--\r\n'),
    ])
  const sent = (content: Buffer, ...more: string[]) =>
    ask(
      message({
        method: 'REQMOD',
        icap: ['Allow: 204', LAST],
        http: ['Content-Type: multipart/form-data; boundary=b', ...more],
        body: chunked(content),
      }),
    )
  t.match(await sent(form(gzipSync(EICAR))), `X-Portcullis-Reason: ${RULE}`)
  t.match(
    await sent(gzipSync(form(gzipSync(EICAR))), 'Content-Encoding: gzip'),
    `X-Portcullis-Reason: ${RULE}`,
  )
  t.equal(status(await sent(form(gzipSync('plain')))), 204)
})

t.test('of a content that says it is over the limit only the preview is asked for', async (t) => {
  const answer = await ask(
    message({ icap: ['Preview: 0', LAST], http: [`Content-Length: ${LIMIT + 1}`], body: chunked('') }),
  )
  t.notMatch(answer, '100 Continue')
  t.match(answer, /X-Portcullis-Reason: too_large[^]*HTTP\/1\.1 500/)
})

t.test('a message that is wrong is refused, and the connection closed', async (t) => {
  const head = (lines: readonly string[]): string => [...lines, '\r\n'].join('\r\n')
  const each: [number, string | Buffer][] = [
    [400, 'GET / HTTP/1.1\r\n\r\n'],
    [400, 'OPTIONS\r\n\r\n'],
    [505, head(['OPTIONS icap://h/scan ICAP/2.0'])],
    [404, head(['OPTIONS icap://h/other ICAP/1.0'])],
    [405, head(['DELETE icap://h/scan ICAP/1.0'])],
    [400, head(['OPTIONS icap://h/scan ICAP/1.0', 'Encapsulated: opt-body=0'])],
    [400, head(['RESPMOD icap://h/scan ICAP/1.0'])],
    [400, head(['RESPMOD icap://h/scan ICAP/1.0', 'Encapsulated: res-hdr=0'])],
    [400, head(['RESPMOD icap://h/scan ICAP/1.0', 'Encapsulated: res-body=1'])],
    [400, head(['RESPMOD icap://h/scan ICAP/1.0', 'Encapsulated: req-body=0'])],
    [400, head(['RESPMOD icap://h/scan ICAP/1.0', 'Encapsulated: res-hdr=0, req-hdr=5, res-body=9'])],
    [400, head(['RESPMOD icap://h/scan ICAP/1.0', 'Encapsulated: res-hdr=0, res-body=0'])],
    [400, head(['RESPMOD icap://h/scan ICAP/1.0', 'Encapsulated: res-hdr=0, res-body=999999'])],
    [400, head(['RESPMOD icap://h/scan ICAP/1.0', 'Preview: x', 'Encapsulated: res-body=0'])],
    [400, message({ body: Buffer.from('zz\r\n') })],
    [400, message({ body: Buffer.from('5\r\nplainx\r\n0\r\n\r\n') })],
    [400, message({ body: Buffer.from(`5;${'x'.repeat(2000)}`) })],
    [400, message({ body: Buffer.from(`0\r\n${'x: y\r\n'.repeat(5000)}\r\n`) })],
    [400, `OPTIONS icap://h/scan ICAP/1.0\r\n${'x: y\r\n'.repeat(300)}\r\n`],
    [400, `OPTIONS icap://h/scan ICAP/1.0\r\nx: ${'y'.repeat(70_000)}\r\n\r\n`],
    [408, 'OPTIONS icap://h/sc'],
    [408, message({ body: Buffer.from('5\r\npl') })],
  ]
  for (const [expected, sent] of each)
    t.equal(status(await ask(sent)), expected, sent.toString('latin1').slice(0, 90))
})

t.test('no bytes break it', async (t) => {
  const whole = message({ icap: ['Allow: 204', 'Preview: 3'], body: chunked('plain') })
  const piece = oneof(
    uint8Array({ maxLength: 40 }),
    constantFrom(
      'REQMOD icap://h/scan ICAP/1.0\r\n',
      'Encapsulated: req-hdr=0, req-body=9\r\n',
      '\r\n',
      '0; ieof\r\n',
      '5\r\n',
      ':',
      ',',
    ).map((text) => Buffer.from(text)),
    constantFrom(whole, whole.subarray(0, 150), whole.subarray(20)),
  )
  await assert(
    asyncProperty(array(piece, { maxLength: 8 }), async (pieces) => {
      const socket = connect(strict)
      socket.on('error', () => undefined)
      socket.resume()
      socket.end(Buffer.concat(pieces))
      await new Promise((resolve) => socket.once('close', resolve))
    }),
    { numRuns: Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 200) },
  )
  t.equal(status(await ask(message({ icap: ['Allow: 204', LAST], body: chunked('plain') }))), 204)
})

t.test('c-icap-client works', async (t) => {
  const folder = t.testdir({})
  const [eicar, clean, large] = ['eicar', 'clean', 'large'].map((name) => join(folder, name))
  writeFileSync(eicar!, EICAR)
  writeFileSync(clean!, 'plain')
  writeFileSync(large!, Buffer.concat([Buffer.alloc(100_000, 'x'), Buffer.from('end')]))
  const run = (...args: readonly string[]): Promise<{ said: string; got: string | undefined }> =>
    new Promise((resolve, reject) => {
      const out = join(folder, 'out')
      rmSync(out, { force: true })
      const all = ['-i', strict.host, '-p', String(strict.port), '-s', 'scan', '-v', '-o', out, ...args]
      execFile('c-icap-client', all, (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number') reject(error)
        else
          resolve({ said: stdout + stderr, got: existsSync(out) ? readFileSync(out, 'latin1') : undefined })
      })
    })
  t.match((await run()).said, /Allow 204: Yes[^]*Preview: 1024/)
  const url = 'http://example.org/file'
  for (const way of [
    ['-resp', url],
    ['-req', url],
  ])
    for (const how of [[], ['-nopreview'], ['-no204'], ['-nopreview', '-no204']]) {
      const name = [...way, ...how].join(' ')
      const bad = await run('-f', eicar!, ...way, ...how)
      t.match(bad.said, /403 Forbidden/, name)
      t.match(bad.got, 'Content blocked', name)
      for (const file of [clean!, large!]) {
        const good = await run('-f', file, ...way, ...how)
        t.notMatch(good.said, /403|500/, name)
        if (how.length > 1) t.equal(good.got, readFileSync(file, 'latin1'), name)
      }
    }
})
