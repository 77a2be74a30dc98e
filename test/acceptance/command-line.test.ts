import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t from 'tap'
import { z } from 'zod'
import { ask, ATTACK } from './http-client.js'
import { portcullis, ROOT, serve, until, up } from './product.js'

const FREE = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']

interface AuditLine {
  readonly time: string
  readonly request_id: string
  readonly client: string
  readonly request: { readonly method: string; readonly uri: string; readonly host: string }
  readonly verdict: {
    readonly action: string
    readonly mode: string
    readonly phase: string | null
    readonly rule: number | null
    readonly status: number
    readonly score: number
    readonly truncated: readonly string[]
  }
  readonly rules: readonly {
    readonly id: number
    readonly msg: string
    readonly data: string
    readonly variable: string
    readonly sample: string
  }[]
}

const upstream = createServer((_, response) => response.end('fine'))
let origin = ''
t.before(async () => {
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
})
t.teardown(() => upstream.close())

const rawLines = (file: string): string[] =>
  existsSync(file)
    ? readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : []

/** The line of a request, once it is on disk. */
const auditLine = (file: string, id: string): Promise<string> =>
  until(() => rawLines(file).find((line) => line.includes(id)))

t.test('version and help', async (t) => {
  const { version } = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as { version: string }
  t.match(await portcullis(['--version']), { code: 0, stdout: `${version}\n`, stderr: '' })

  const seen: string[] = []
  const visit = async (path: readonly string[]): Promise<void> => {
    const { code, stdout, stderr } = await portcullis([...path, '--help'])
    const name = path.join(' ')
    seen.push(name)
    t.equal(code, 0, `${name} --help`)
    t.equal(stderr, '')
    t.ok(stdout.startsWith(`Usage: portcullis ${name}`), name)
    const commands = /^Commands:\n((?: .*\n?)+)/m.exec(stdout)?.[1] ?? ''
    const below = [...commands.matchAll(/^ {2}([a-z][a-z-]*)/gm)].map(([, word = '']) => word)
    await Promise.all(below.map((word) => visit([...path, word])))
  }
  await visit([])
  for (const name of ['up', 'ledger receipt', 'quarantine restore', 'verify', 'explain', 'config schema'])
    t.ok(seen.includes(name), `${name} is listed`)
  t.ok(seen.length >= 24, `${seen.length} commands`)
})

t.test('a mistake in the command line exits 2 and is named', async (t) => {
  const mistakes: readonly [readonly string[], RegExp][] = [
    [[], /Usage:/],
    [['nonsense'], /unknown command 'nonsense'/],
    [['up', '--nonsense'], /unknown option '--nonsense'/],
    [['up', '--listen'], /--listen/],
    [['up', '--listen', 'nowhere'], /--listen: gateway\.listen: .*HOST:PORT.*"nowhere"/m],
    [['up', '--mode', 'maybe'], /--mode: detection\.mode: .*"maybe"/],
    [['gateway', '--threads', 'many'], /--threads: gateway\.threads: .*"many"/],
    [['up', '--phases', 'nonsense'], /--phases: .*unknown phase "nonsense".*sql_injection/],
    [['gateway', '--phases', 'crowdsec'], /--phases: .*crowdsec.*not/],
    [['explain', 'nonsense'], /is not a request id/],
    [['verify', 'receipt'], /--trust/],
    [['ledger', 'receipt'], /request-id/],
    [['ledger', 'receipt', 'x', '--wait', 'long'], /--wait/],
    [['scan'], /path/],
  ]
  const at = { cwd: t.testdir() }
  for (const [args, said] of mistakes) {
    const { code, stdout, stderr } = await portcullis(args, at)
    t.equal(code, 2, args.join(' '))
    t.match(stderr, said)
    t.notMatch(stderr, /^ {4}at /m, 'no stack')
    t.equal(stdout, '')
  }
})

t.test('the configuration', async (t) => {
  const folder = t.testdir({
    'bad.yaml':
      'gateway:\n  listen: nowhere\n  listne: 127.0.0.1:1\ndetection:\n  phases:\n    xss:\n      threshold: 0\n',
    'good.yaml':
      'telemetry:\n  otlp:\n    endpoint: http://127.0.0.1:4318\n    headers:\n      authorization: Bearer very-secret\n' +
      'alerts:\n  - name: on-call\n    type: webhook\n    url: https://anna:very-secret@example.org/hook\n    secret: env:HOOK\n',
  })
  const at = { cwd: folder }

  const bad = await portcullis(['config', 'check', '--config', 'bad.yaml'], at)
  t.equal(bad.code, 1)
  t.match(bad.stderr, /^bad\.yaml:2: gateway\.listen: .*"nowhere"$/m, 'file, line, key and value')
  t.match(bad.stderr, /^bad\.yaml:3: gateway\.listne: unknown key$/m)
  t.match(bad.stderr, /^bad\.yaml:7: detection\.phases\.xss\.threshold: .*0$/m)
  const started = await portcullis(['up', '--config', 'bad.yaml'], at)
  t.equal(started.code, 1, 'nothing starts with it')
  t.match(started.stderr, /^bad\.yaml:3: gateway\.listne: unknown key$/m)
  const missing = await portcullis(['config', 'check', '--config', 'missing.yaml'], at)
  t.equal(missing.code, 1)
  t.match(missing.stderr, /missing\.yaml/)

  t.equal((await portcullis(['config', 'check', '--config', 'good.yaml'], at)).code, 0)
  for (const flags of [[], ['--json']]) {
    const { code, stdout } = await portcullis(['config', 'print', '--config', 'good.yaml', ...flags], at)
    t.equal(code, 0)
    t.notMatch(stdout, /very-secret/)
    t.match(stdout, /\[redacted\]/)
    t.match(stdout, /good\.yaml:/, 'where each value came from')
  }

  const printed = await portcullis(['config', 'schema'], at)
  t.equal(printed.code, 0)
  const json = JSON.parse(printed.stdout) as Parameters<typeof z.fromJSONSchema>[0]
  t.match(json, { $schema: 'https://json-schema.org/draft/2020-12/schema', type: 'object' })
  const schema = z.fromJSONSchema(json)
  t.ok(schema.safeParse({}).success)
  t.ok(schema.safeParse({ gateway: { listen: '127.0.0.1:1', threads: 2 } }).success)
  t.notOk(schema.safeParse({ gateway: { listne: '127.0.0.1:1' } }).success, 'unknown keys are refused')
  t.notOk(schema.safeParse({ gateway: { threads: 'many' } }).success)

  const set = await portcullis(['config', 'print', '--json', '--config', 'good.yaml'], {
    ...at,
    env: { PORTCULLIS_GATEWAY__LISTEN: '127.0.0.1:1234' },
  })
  const { config, origins } = JSON.parse(set.stdout) as {
    config: { gateway: { listen: string } }
    origins: Record<string, string>
  }
  t.equal(config.gateway.listen, '127.0.0.1:1234')
  t.equal(origins['gateway.listen'], 'PORTCULLIS_GATEWAY__LISTEN')
})

const RULES = `SecRule REQUEST_HEADERS:X-Colour "@rx ^(red|blue)$" \\
  "id:100001,phase:1,pass,log,capture,severity:NOTICE,msg:'a %{TX.1} %{REQUEST_METHOD}',logdata:'<%{MATCHED_VAR}>',tag:'colour'"
SecRule REQUEST_HEADERS:X-Colour "@streq red" "id:100002,phase:1,pass,nolog,msg:'never seen'"
SecRule REQUEST_HEADERS:X-Colour "@streq black" "id:100003,phase:1,deny,status:406,log,msg:'no black'"
`

t.test('the gateway alone: rules, audit log and admin address', async (t) => {
  const folder = t.testdir({ 'own.conf': RULES })
  const at = { cwd: folder }
  const audit = join(folder, 'audit.log')
  const args = ['gateway', ...FREE, '--data', 'data', '--upstream', origin, '--rules', 'own.conf']
  const product = await serve([...args, '--audit-log', 'audit.log'], at)
  t.teardown(() => product.stop('SIGKILL'))

  await t.test('an attack: each field is there, in its order', async (t) => {
    const { id, status } = await ask(product.url, { path: ATTACK, headers: { host: 'shop.example' } })
    t.equal(status, 403)
    const text = await auditLine(audit, id)
    const line = JSON.parse(text) as AuditLine
    t.equal(text, JSON.stringify(line), 'compact')
    t.strictSame(Object.keys(line), ['time', 'request_id', 'client', 'request', 'verdict', 'rules'])
    t.match(line.time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    t.equal(line.client, '127.0.0.1')
    t.strictSame(line.request, { method: 'GET', uri: ATTACK, host: 'shop.example' })
    t.strictSame(Object.keys(line.verdict), [
      'action',
      'mode',
      'phase',
      'rule',
      'status',
      'score',
      'truncated',
    ])
    t.match(line.verdict, { action: 'block', mode: 'block', phase: 'sql_injection', status: 403 })
    t.strictSame(line.verdict.truncated, [])
    t.ok(line.rules.some((rule) => rule.variable === 'ARGS:id' && rule.sample.includes('UNION')))
    for (const rule of line.rules)
      t.strictSame(Object.keys(rule), [
        'id',
        'seclang_phase',
        'severity',
        'msg',
        'data',
        'variable',
        'sample',
        'tags',
      ])
    t.match(text, /"rules":\[\{"id":\d/)
  })

  await t.test('a logged match of a request that passes; what is nolog is not there', async (t) => {
    const { id, status } = await ask(product.url, { headers: { 'x-colour': 'red' } })
    t.equal(status, 200)
    const line = JSON.parse(await auditLine(audit, id)) as AuditLine
    t.match(line.verdict, { action: 'allow', phase: null, rule: null })
    t.strictSame(line.rules, [
      {
        id: 100001,
        seclang_phase: 1,
        severity: 5,
        msg: 'a red GET',
        data: '<red>',
        variable: 'REQUEST_HEADERS:x-colour',
        sample: 'red',
        tags: ['colour'],
      },
    ])
  })

  await t.test('a rule of the operator refuses with its own status', async (t) => {
    const { id, status } = await ask(product.url, { headers: { 'x-colour': 'black' } })
    t.equal(status, 406)
    const line = JSON.parse(await auditLine(audit, id)) as AuditLine
    t.match(line.verdict, { action: 'block', phase: 'custom_rules', rule: 100003, status: 406 })
  })

  await t.test('a plain request leaves no line; secrets are masked', async (t) => {
    const plain = await ask(product.url, { path: '/plain' })
    const { id } = await ask(product.url, {
      path: '/?password=hunter22%27%20UNION%20SELECT%20a%20FROM%20b--',
    })
    t.notMatch(await auditLine(audit, id), /hunter22/)
    t.notOk(rawLines(audit).some((line) => line.includes(plain.id)))
  })

  await t.test('an X-Request-Id of the client is kept beside our own', async (t) => {
    const { id } = await ask(product.url, { path: ATTACK, headers: { 'x-request-id': 'theirs-1' } })
    t.not(id, 'theirs-1')
    t.match(JSON.parse(await auditLine(audit, id)), { request_id: id, client_request_id: 'theirs-1' })
  })

  await t.test('health, readiness and metrics', async (t) => {
    t.match(await ask(product.admin, { path: '/health' }), { status: 200, body: '{"status":"ok"}\n' })
    t.match(await ask(product.admin, { path: '/ready' }), { status: 200 })
    const metrics = await ask(product.admin, { path: '/metrics' })
    t.equal(metrics.status, 200)
    t.match(metrics.headers['content-type'], /^text\/plain/)
    t.match(metrics.body, /^[a-z_]+(?:\{[^}]*\})? [0-9.e+]+$/m)
    t.match(metrics.body, /sql_injection/, 'decisions are counted by phase')
    t.notMatch(metrics.body, /UNION|hunter22|shop\.example/, 'nothing that a client wrote')
    t.equal((await ask(product.admin, { path: '/other' })).status, 404)
    t.equal((await ask(product.url, { path: '/metrics' })).body, 'fine', 'not on the public port')
  })

  await t.test('a port that is taken is named, with the flag that changes it', async (t) => {
    const taken = new URL(product.url).host
    const second = await portcullis(
      ['gateway', '--listen', taken, '--admin', '127.0.0.1:0', '--data', 'second', '--upstream', origin],
      at,
    )
    t.equal(second.code, 1)
    t.match(
      second.stderr,
      new RegExp(`^LISTEN_FAILED: cannot listen on ${taken}: .*--listen HOST:PORT$`, 'm'),
    )
    const third = await portcullis(
      ['up', '--listen', '127.0.0.1:0', '--admin', new URL(product.admin).host, '--data', 'third'],
      at,
    )
    t.equal(third.code, 1)
    t.match(third.stderr, /^LISTEN_FAILED: .*the port is taken.*--admin HOST:PORT$/m)
  })

  t.equal((await product.stop()).code, 0)
})

t.test('mode detect lets everything through and records it', async (t) => {
  const folder = t.testdir()
  const shown = ['--mode', 'detect', '--audit-mask', 'none', '--audit-log', 'audit.log']
  const phases = ['--phases', 'sql_injection,custom_rules']
  const product = await up(['--data', 'data', '--upstream', origin, ...shown, ...phases], { cwd: folder })
  t.teardown(() => product.stop('SIGKILL'))
  t.match(product.stdout, /^ +8 sql_injection +detect$/m)
  t.match(product.stdout, /^ +9 xss +off$/m)
  t.match(
    product.stderr,
    /"phase":"custom_rules".*nothing to judge by/,
    'a phase without rules is warned about',
  )
  const { id, status, body } = await ask(product.url, {
    path: '/?password=hunter22%27%20UNION%20SELECT%20a%20FROM%20b--',
  })
  t.equal(status, 200)
  t.equal(body, 'fine')
  const text = await auditLine(join(folder, 'audit.log'), id)
  t.match((JSON.parse(text) as AuditLine).verdict, { mode: 'detect', phase: 'sql_injection' })
  t.match(text, /hunter22/, 'as it came, as asked for')
  const script = await ask(product.url, { path: '/?q=%3Cscript%3Ealert(1)%3C/script%3E' })
  t.equal(script.status, 200, 'a phase that was not named does not run')
  const told = await portcullis(['explain', id, '--data', 'data'], { cwd: folder })
  t.equal(told.code, 0, 'it ends well', { stderr: told.stderr })
  t.match(told.stdout, /mode detect/)
  t.equal((await product.stop()).code, 0)
})

t.test('a broken rule file is named with its line, and nothing starts', async (t) => {
  const folder = t.testdir({ 'broken.conf': '# a comment\n\nSecRule ARGS "@rx (" "id:1,phase:2,deny"\n' })
  const at = { cwd: folder }
  for (const command of ['gateway', 'up']) {
    const { code, stderr, stdout } = await portcullis(
      [command, ...FREE, '--data', 'data', '--rules', 'broken.conf', '--upstream', origin],
      at,
    )
    t.equal(code, 1, command)
    t.match(stderr, /broken\.conf:3\b/)
    t.notMatch(stderr, /^ {4}at /m)
    t.equal(stdout, '')
  }
  const missing = await portcullis(['gateway', ...FREE, '--data', 'data', '--rules', 'missing.conf'], at)
  t.equal(missing.code, 1)
  t.match(missing.stderr, /missing\.conf/)
})

t.test('verify needs nothing but its two files', async (t) => {
  const folder = t.testdir({ receipt: 'no receipt', policy: 'no policy' })
  const { code, stderr } = await portcullis(['verify', 'receipt', '--trust', 'policy'], { cwd: folder })
  t.equal(code, 1)
  t.match(stderr, /^malformed_[a-z]+: /)
  t.notOk(existsSync(join(folder, 'data')), 'no data folder is made')
})

t.test('ledger append, proof and checkpoint without a running ledger', async (t) => {
  const folder = t.testdir()
  const at = { cwd: folder }
  const verdict = { action: 'block', phase: 'xss', mode: 'block', status: 403, score: 5, truncated: [] }
  const record = { alg: 'hmac-sha256', hash: createHash('sha256').update('a record').digest('hex') }
  const action = { kind: 'security.verdict', verdict, rules: [1], record }
  writeFileSync(join(folder, 'action.json'), JSON.stringify(action))
  const appended = await portcullis(['ledger', 'append', 'action.json', '--data', 'data'], at)
  t.equal(appended.code, 0, 'it ends well', { stderr: appended.stderr })
  const { index, id } = JSON.parse(appended.stdout) as { index: number; id: string }
  const proof = await portcullis(['ledger', 'proof', String(index), '--data', 'data'], at)
  t.match(proof, { code: 0, stdout: /^c2sp\.org\/tlog-proof@v1\n/ })
  const checkpoint = await portcullis(['ledger', 'checkpoint', '--data', 'data'], at)
  t.match(checkpoint, { code: 0, stdout: /^\S+\n\d+\n[A-Za-z0-9+/]{43}=\n\n\u2014 / })
  const receipt = await portcullis(['ledger', 'receipt', id, '--data', 'data', '--out', 'r'], at)
  t.equal(receipt.code, 0, 'it ends well', { stderr: receipt.stderr })
  writeFileSync(join(folder, 'p'), (await portcullis(['ledger', 'policy', '--data', 'data'], at)).stdout)
  t.match(await portcullis(['verify', 'r', '--trust', 'p'], at), { code: 0, stdout: /^ok: / })
})
