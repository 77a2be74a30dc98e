import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { mailServer } from '../fakes/mail-server.js'
import { open, opened, send } from './samples.js'

const folder = t.testdir()
const file = (name: string): string => join(folder, name)
execFileSync(
  'openssl',
  [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=localhost',
    '-addext',
    'subjectAltName=DNS:localhost,IP:127.0.0.1',
    '-keyout',
    file('key.pem'),
    '-out',
    file('cert.pem'),
  ],
  { stdio: 'ignore' },
)
const tls = { key: readFileSync(file('key.pem')), cert: readFileSync(file('cert.pem')) }

const mail = {
  type: 'email',
  from: { name: 'Pörtcullis, "edge"', address: 'edge@example.org' },
  to: ['ops@example.org', 'boss@example.org'],
}

/** Names of the headers of a mail of ours. */
const HEADERS = 'auto-submitted,content-type,date,from,message-id,mime-version,subject,to,x-portcullis-event'

const url = (scheme: string, port: number, name = 'ALERT_MAIL_URL'): string => {
  process.env[name] = `${scheme}://edge:p%40ss@127.0.0.1:${port}`
  return `env:${name}`
}

t.test('a mail has text and HTML, and nothing of a client becomes a header or markup', async (t) => {
  const { mails, port } = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] })
  const channel = await open({ ...mail, smtp_url: `smtp://127.0.0.1:${port}` })
  await send(channel, opened({ title: 'x\r\nBcc: all@evil.example' }))
  const [first] = mails
  t.match(first, { from: 'edge@example.org', to: ['ops@example.org'], secure: false })
  const [head = '', body = ''] = first?.source.split('\r\n\r\n', 2) ?? []
  t.notMatch(head, /^Bcc:/im)
  t.match(head, /^Message-ID: <an-id@portcullis.invalid>$/im)
  t.match(head, /^Auto-Submitted: auto-generated$/im)
  t.match(head, /^Content-Type: multipart\/alternative/im)
  t.match(head.replace(/\r\n /g, ' '), /^Subject: \[high\] New incident: x Bcc: all@evil\.example$/im)
  t.ok(body.length > 0)
  const whole = (first?.source ?? '').replace(/=\r\n/g, '').replaceAll('=3D', '=')
  t.match(whole, /Content-Type: text\/plain/)
  t.match(whole, /Content-Type: text\/html/)
  t.match(whole, '&lt;/pre&gt;&lt;b&gt;x&lt;/b&gt;')
  t.strictSame(channel.recipients, mail.to, 'each recipient gets a mail of his own')
})

t.test('whatever an incident is called, a mail has the headers that we gave it and no others', async (t) => {
  const { mails, port } = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'] })
  const channel = await open({ ...mail, smtp_url: `smtp://127.0.0.1:${port}` })
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .array(
        fc.constantFrom(
          '\r',
          '\n',
          '\r\n',
          'Bcc: a@evil.example',
          ' ',
          '\t',
          '\0',
          '=?utf-8?Q?=0ABcc=3A?=',
          'é',
          ':',
        ),
      )
      .map((parts) => parts.join('')),
  )
  await fc.assert(
    fc.asyncProperty(hostile, async (title) => {
      mails.length = 0
      await send(channel, opened({ title }))
      const [head = ''] = mails[0]?.source.split('\r\n\r\n', 1) ?? []
      const names = head
        .replace(/\r\n[ \t]/g, ' ')
        .split('\r\n')
        .map((line) => /^([\w-]+):/.exec(line)?.[1]?.toLowerCase() ?? line)
      return names.toSorted().join() === HEADERS && mails[0]?.to.join() === 'ops@example.org'
    }),
    { numRuns: Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 40) },
  )
})

t.test('STARTTLS with a password, by a certificate that was named', async (t) => {
  const { mails, port } = await mailServer(t, { ...tls, password: 'p@ss' })
  const channel = await open({
    ...mail,
    smtp_url: url('smtp', port),
    starttls: 'required',
    ca_file: file('cert.pem'),
  })
  await send(channel)
  t.match(mails, [{ user: 'edge', secure: true }])
  const stranger = await open({ ...mail, smtp_url: url('smtp', port), starttls: 'required' })
  await t.rejects(
    send(stranger),
    {
      code: 'ALERT_UNREACHABLE',
      message: /certificate .* not trusted: .*\(DEPTH_ZERO_SELF_SIGNED_CERT\); ca_file/,
    },
    'an unknown certificate is not trusted',
  )
  t.equal(mails.length, 1)
})

t.test('TLS from the start, and a wrong password', async (t) => {
  const { mails, port } = await mailServer(t, { ...tls, secure: true, password: 'p@ss' })
  await send(await open({ ...mail, smtp_url: url('smtps', port), ca_file: file('cert.pem') }))
  t.match(mails, [{ user: 'edge', secure: true }])
  const other = await mailServer(t, { ...tls, secure: true, password: 'other' })
  const error: unknown = await send(
    await open({ ...mail, smtp_url: url('smtps', other.port), ca_file: file('cert.pem') }),
  ).catch((error: unknown) => error)
  t.match(error, { code: 'ALERT_REJECTED', retryable: true, message: /535/ })
  t.notMatch(String(error), 'p@ss')
})

t.test('nothing is sent in the clear when TLS is required', async (t) => {
  const { mails, port } = await mailServer(t, { disabledCommands: ['STARTTLS'] })
  const channel = await open({ ...mail, smtp_url: `smtp://127.0.0.1:${port}`, starttls: 'required' })
  await t.rejects(send(channel), { code: 'ALERT_UNREACHABLE', message: /no TLS/ })
  t.strictSame(mails, [])
})

t.test('a recipient who is refused for good is given up, one who is put off is not', async (t) => {
  let code = 550
  const { port } = await mailServer(t, { disabledCommands: ['STARTTLS', 'AUTH'], refuse: () => code })
  const channel = await open({ ...mail, smtp_url: `smtp://127.0.0.1:${port}` })
  await t.rejects(send(channel), { code: 'ALERT_REJECTED', retryable: false, message: /550/ })
  code = 451
  await t.rejects(send(channel), { code: 'ALERT_REJECTED', retryable: true, message: /451/ })
  const nobody = await open({ ...mail, smtp_url: 'smtp://127.0.0.1:9' })
  await t.rejects(send(nobody), { code: 'ALERT_UNREACHABLE', retryable: true })
})

t.test('a mail whose answer is lost comes again as the same mail', async (t) => {
  let drops = true
  const { mails, port } = await mailServer(t, {
    disabledCommands: ['STARTTLS', 'AUTH'],
    drops: () => drops,
  })
  const channel = await open({ ...mail, smtp_url: `smtp://127.0.0.1:${port}` })
  await t.rejects(send(channel), { code: 'ALERT_UNREACHABLE', retryable: true })
  drops = false
  await send(channel)
  t.equal(mails.length, 2)
  const ids = mails.map(({ source }) => /^Message-ID: (\S+)/im.exec(source)?.[1])
  t.equal(ids[0], '<an-id@portcullis.invalid>')
  t.equal(ids[1], ids[0])
})

/** A server that says a part of its greeting again and again, or nothing at all. */
const slowServer = async (t: Test, part: string): Promise<number> => {
  const server = createServer((socket) => {
    socket.resume().on('error', () => undefined)
    const timer = setInterval(() => socket.write(part), 20)
    socket.once('close', () => clearInterval(timer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

for (const [what, part] of [
  ['that says nothing', ''],
  ['whose greeting does not end', '220-'],
  ['whose greeting has no end of its lines', '220-wait a little\r\n'],
] as const)
  t.test(`a server ${what} is waited for no longer than it may`, async (t) => {
    const port = await slowServer(t, part)
    for (const scheme of ['smtp', 'smtps']) {
      const channel = await open({ ...mail, smtp_url: `${scheme}://127.0.0.1:${port}`, timeout_seconds: 0.3 })
      await t.rejects(send(channel), { code: 'ALERT_UNREACHABLE', retryable: true })
    }
  })
