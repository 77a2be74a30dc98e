import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'

import { builtCli } from '../fixtures/built-cli.js'
import { runInProcess } from '../fixtures/in-process.js'

const folder = t.testdir({ work: {} })
const work = join(folder, 'work')
const cli = builtCli(work)
const at = (name: string) => join(work, name)
const ATTACK = '/search?q=1%27%20UNION%20SELECT%20name%2C%20password%20FROM%20users--'

const upstream = createServer((request, response) => {
  request.resume()
  response.end(`upstream saw ${request.url}`)
})
upstream.listen(0, '127.0.0.1')
await once(upstream, 'listening')
t.teardown(() => upstream.close())
const { port } = upstream.address() as AddressInfo

const ARGS = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--upstream', `http://127.0.0.1:${port}`]

interface Serving {
  readonly child: ChildProcess
  readonly url: string
  readonly admin: string
  readonly banner: string
}

/** Starts a command that serves and reads what it prints until the line that is its last. */
const serve = async (args: readonly string[], last: RegExp): Promise<Serving> => {
  const child = cli.start([...args, ...ARGS], { PORTCULLIS_LOG__LEVEL: 'warn' })
  if (!child.stdout || !child.stderr) throw new Error('no pipes')
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  let banner = ''
  for await (const line of createInterface({ input: child.stdout })) {
    banner += `${line}\n`
    if (last.test(line)) break
  }
  const url = /listens on +(\S+)/.exec(banner)?.[1]
  const admin = /admin +(\S+)\/health/.exec(banner)?.[1]
  if (url === undefined || admin === undefined) throw new Error(`it did not serve: ${banner}${errors}`)
  return { child, url, admin, banner }
}

const stop = async ({ child }: Serving) => {
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  return code
}

const DATA = ['--data', at('data')]
const LAST_PHASE = /^ +12 custom_rules/

void t.test('judges traffic, explains and proves its verdicts, survives a restart', async (t) => {
  writeFileSync(at('config.yaml'), 'supervisor: {back_off_seconds: 0.1}\n')
  const args = [
    'up',
    '--config',
    'config.yaml',
    '--audit-log',
    'audit.jsonl',
    '--phases',
    'sql_injection,custom_rules',
  ]
  const first = await serve(args, LAST_PHASE)
  t.teardown(() => first.child.kill('SIGKILL'))
  t.match(first.banner, /listener +strict, 1 thread: it passed the self-test/)
  t.match(first.banner, new RegExp(`data +${join(work, 'data')}\n`))
  t.match(first.banner, /^ +8 sql_injection +block$/m)
  t.match(first.banner, /^ +9 xss +off$/m)

  const good = await fetch(`${first.url}/page?id=1`)
  t.equal(good.status, 200)
  t.equal(await good.text(), 'upstream saw /page?id=1')
  const bad = await fetch(first.url + ATTACK)
  t.equal(bad.status, 403)
  const id = bad.headers.get('x-request-id') ?? ''

  const explained = await runInProcess(['explain', id, ...DATA])
  t.equal(explained.code, 0, explained.stderr)
  t.match(explained.stdout, /variable +ARGS:q/)
  t.match(explained.stdout, /rules\/sql-injection\.conf:\d+/)
  t.match(explained.stdout, /ctl:ruleRemoveTargetById=\d+;ARGS:q/)
  t.match(JSON.parse((await runInProcess(['explain', id, '--json', ...DATA])).stdout), {
    request_id: id,
    client: '127.0.0.1',
    verdict: { action: 'block', phase: 'sql_injection' },
  })

  const receipt = await runInProcess(['ledger', 'receipt', id, '--out', at('receipt.json'), ...DATA])
  t.equal(receipt.code, 0, receipt.stderr)
  const policy = await runInProcess(['ledger', 'policy', ...DATA])
  writeFileSync(at('policy.txt'), policy.stdout)
  const verified = await runInProcess(['verify', at('receipt.json'), '--trust', at('policy.txt')])
  t.equal(verified.code, 0, verified.stderr)
  const flip = (base64: string) => base64.slice(0, 40) + (base64[40] === 'A' ? 'B' : 'A') + base64.slice(41)
  const intact = readFileSync(at('receipt.json'), 'utf8')
  const altered = intact.replace(/[A-Za-z0-9+/]{80,}/, flip)
  t.not(altered, intact)
  writeFileSync(at('altered.json'), altered)
  const refused = await runInProcess(['verify', at('altered.json'), '--trust', at('policy.txt')])
  t.equal(refused.code, 1)
  t.match(refused.stderr, /^[a-z_]+: /)

  t.strictSame(await (await fetch(`${first.admin}/ready`)).json(), { status: 'ready', problems: {} })
  const metrics = await (await fetch(`${first.admin}/metrics`)).text()
  t.match(
    metrics,
    /portcullis_verdicts_total\{phase="sql_injection",action="block",mode="block",role="gateway"\} 1/,
  )

  const audit = readFileSync(at('audit.jsonl'), 'utf8').trim().split('\n')
  t.equal(audit.length, 1)
  t.match(JSON.parse(audit[0] ?? ''), { request_id: id, verdict: { action: 'block' } })

  t.equal(await stop(first), 0)
  const second = await serve(args, LAST_PHASE)
  t.teardown(() => second.child.kill('SIGKILL'))
  t.equal((await runInProcess(['explain', id, ...DATA])).code, 0, 'the verdict is still there')
  const again = await runInProcess(['ledger', 'receipt', id, '--out', at('again.json'), ...DATA])
  t.equal(again.code, 0, again.stderr)
  t.equal(
    (await runInProcess(['verify', at('again.json'), '--trust', at('policy.txt')])).code,
    0,
    'under the same policy',
  )
  t.equal(await stop(second), 0)
})

void t.test('the gateway alone serves, and its decisions reach the ledger when somebody asks', async (t) => {
  const data = ['--data', at('alone')]
  const gateway = await serve(['gateway', ...data], LAST_PHASE)
  t.teardown(() => gateway.child.kill('SIGKILL'))
  const bad = await fetch(gateway.url + ATTACK)
  t.equal(bad.status, 403)
  t.equal((await fetch(`${gateway.admin}/ready`)).status, 200)
  const id = bad.headers.get('x-request-id') ?? ''
  const receipt = await runInProcess(['ledger', 'receipt', id, '--out', at('alone.json'), ...data])
  t.equal(receipt.code, 0, receipt.stderr)
  t.equal(await stop(gateway), 0)
})

void t.test('a port that is taken is named with the flag that changes it', async (t) => {
  const taken = `127.0.0.1:${port}`
  const gateway = await cli.run(['gateway', '--data', 'taken', '--admin', '127.0.0.1:0', '--listen', taken], {
    PORTCULLIS_LOG__LEVEL: 'silent',
  })
  t.equal(gateway.code, 1)
  t.equal(gateway.stdout, '')
  t.equal(
    gateway.stderr,
    `LISTEN_FAILED: cannot listen on ${taken}: the port is taken; choose another with --listen HOST:PORT\n`,
  )
  const admin = await cli.run(['up', '--data', 'taken', '--admin', taken])
  t.equal(admin.code, 1)
  t.match(admin.stderr, /^LISTEN_FAILED: .*--admin HOST:PORT\n$/)
})
