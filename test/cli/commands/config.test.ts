import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

import { runInProcess } from '../fixtures/in-process.js'

const work = t.testdir({})
const file = (name: string, content: string): string => {
  const path = join(work, name)
  writeFileSync(path, content)
  return path
}

void t.test(
  'check accepts a good configuration and names everything that is wrong with a bad one',
  async (t) => {
    const good = file('good.yaml', 'gateway:\n  listen: 127.0.0.1:8888\n')
    const bad = file('bad.yaml', 'gateway:\n  lisen: 127.0.0.1:8888\n  threads: many\n')
    t.strictSame(await runInProcess(['config', 'check', '--config', good]), {
      code: 0,
      stdout: `${good} is valid\n`,
      stderr: '',
    })
    t.strictSame(await runInProcess(['config', 'check', '--config', bad]), {
      code: 1,
      stdout: '',
      stderr: `CONFIG_INVALID:\n${bad}:3: gateway.threads: expected number; got "many"\n${bad}:2: gateway.lisen: unknown key\n`,
    })
    t.strictSame(await runInProcess(['config', 'check'], { PORTCULLIS_GATEWAY__THREADS: '0' }), {
      code: 1,
      stdout: '',
      stderr:
        'CONFIG_INVALID: PORTCULLIS_GATEWAY__THREADS: gateway.threads: too small: expected number to be >=1; got 0\n',
    })
  },
)

void t.test('print shows each value with its origin and no secret', async (t) => {
  const full = file(
    'full.yaml',
    [
      'log: {level: warn}',
      'telemetry:',
      '  otlp: {endpoint: "http://user:S3CR3T@127.0.0.1:4318", headers: {authorization: S3CR3T}}',
      'alerts:',
      '  - {name: ops, type: webhook, url: "https://alerts.example/", secret: "env:PORTCULLIS_OPS_SECRET"}',
      '',
    ].join('\n'),
  )
  const env = { PORTCULLIS_OPS_SECRET: 'S3CR3T', PORTCULLIS_GATEWAY__THREADS: '2' }
  const args = ['config', 'print', '--config', full, '--data', '/srv/data']
  const { code, stdout } = await runInProcess(args, env)
  t.equal(code, 0)
  t.match(stdout, /^data: \/srv\/data # --data$/m)
  t.match(stdout, /^ {2}level: warn # .*full\.yaml:1$/m)
  t.match(stdout, /^ {2}threads: 2 # PORTCULLIS_GATEWAY__THREADS$/m)
  t.match(stdout, /^ {2}listen: 127\.0\.0\.1:8080 # default$/m)
  t.match(stdout, /secret: env:PORTCULLIS_OPS_SECRET/)
  t.match(stdout, /headers: 15 # default/, 'a timeout of that name is no secret')
  t.notMatch(stdout, /S3CR3T/)

  const json = await runInProcess([...args, '--json'], env)
  t.notMatch(json.stdout, /S3CR3T/)
  t.match(JSON.parse(json.stdout), {
    config: { data: '/srv/data', log: { level: 'warn' } },
    origins: { data: '--data', 'log.level': `${full}:1`, 'gateway.threads': 'PORTCULLIS_GATEWAY__THREADS' },
  })
})

void t.test('schema describes every key with its default and its consequence', async (t) => {
  const { code, stdout } = await runInProcess(['config', 'schema'])
  t.equal(code, 0)
  type Schema = {
    description?: string
    default?: unknown
    properties?: Record<string, Schema>
    type?: string
  }
  const missing: string[] = []
  let keys = 0
  const visit = (schema: Schema, path: string) => {
    for (const [name, inner] of Object.entries(schema.properties ?? {})) {
      keys += 1
      if (inner.properties === undefined && inner.description === undefined) missing.push(`${path}${name}`)
      visit(inner, `${path}${name}.`)
    }
  }
  const schema = JSON.parse(stdout) as Schema
  visit(schema, '')
  t.ok(keys > 80, `${keys} keys`)
  t.strictSame(missing, [])
  t.equal(schema.properties?.data?.default, './data')
})
