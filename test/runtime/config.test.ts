import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { z } from 'zod'

import { loadConfig } from '../../runtime/config.js'
import type { ConfigSources } from '../../runtime/config.js'
import { RuntimeError } from '../../runtime/errors.js'
import { mkfifoSync } from './fixtures/mkfifo.js'

const schema = z.strictObject({
  data: z.string().default('./data'),
  gateway: z
    .strictObject({
      listen: z.string().regex(/:\d+$/, 'must be HOST:PORT').default('127.0.0.1:8080'),
      threads: z.int().min(1).default(1),
      secret: z.string().optional(),
      rules: z.array(z.string()).default([]),
      upstream: z.union([z.string(), z.strictObject({ url: z.string(), weight: z.int() })]).optional(),
      sites: z.array(z.strictObject({ name: z.string() })).default([]),
    })
    .prefault({}),
})

const folder = t.testdir({})
let files = 0
const yaml = (text: string | Uint8Array): string => {
  const path = join(folder, `config-${++files}.yaml`)
  writeFileSync(path, text)
  return path
}

const failure = (sources: Partial<ConfigSources>): RuntimeError => {
  try {
    loadConfig(schema, { env: {}, flags: [], ...sources })
  } catch (error) {
    if (error instanceof RuntimeError) return error
    throw error
  }
  throw new Error('it was accepted')
}

void t.test('defaults need no file', async (t) => {
  const { config, origins } = loadConfig(schema, { env: {}, flags: [] })
  t.equal(config.gateway.listen, '127.0.0.1:8080')
  t.equal(origins.of(['gateway', 'listen']), undefined)
})

void t.test('file under environment under flags, each value with its origin', async (t) => {
  const file = yaml('data: /srv\ngateway:\n  listen: 0.0.0.0:1\n  threads: 2\n  rules: [a, b]\n')
  const { config, origins } = loadConfig(schema, {
    file,
    env: {
      PORTCULLIS_GATEWAY__THREADS: '3',
      PORTCULLIS_GATEWAY__RULES: '[c]',
      OTHER: 'x',
      PORTCULLIS_TEST_DATA: '/x',
    },
    flags: [{ origin: '--threads', path: ['gateway', 'threads'], value: 4 }],
  })
  t.strictSame(config, {
    data: '/srv',
    gateway: { listen: '0.0.0.0:1', threads: 4, rules: ['c'], sites: [] },
  })
  t.equal(origins.of(['data']), `${file}:1`)
  t.equal(origins.of(['gateway', 'listen']), `${file}:3`)
  t.equal(origins.of(['gateway', 'threads']), '--threads')
  t.equal(origins.of(['gateway', 'rules', 0]), 'PORTCULLIS_GATEWAY__RULES')
})

void t.test('a text in a variable stays a text where one is wanted', async (t) => {
  for (const raw of ['12345', 'true', 'null', 'a: b', '@x', '*', '"quoted', '0x10', ''])
    t.equal(
      loadConfig(schema, { env: { PORTCULLIS_GATEWAY__SECRET: raw }, flags: [] }).config.gateway.secret,
      raw,
    )
  t.equal(
    loadConfig(schema, {
      env: { PORTCULLIS_GATEWAY: '{threads: 5}', PORTCULLIS_GATEWAY__SECRET: 'x' },
      flags: [],
    }).config.gateway.threads,
    5,
  )
})

void t.test('an unknown key names file and line, the variable, or the flag', async (t) => {
  const file = yaml('gateway:\n  threads: 2\n  lisen: 0.0.0.0:1\nextra: 1\n')
  t.equal(failure({ file }).message, `${file}:3: gateway.lisen: unknown key\n${file}:4: extra: unknown key`)
  t.equal(
    failure({ env: { PORTCULLIS_GATEWAY__LISEN: 'x' } }).message,
    'PORTCULLIS_GATEWAY__LISEN: gateway.lisen: unknown key',
  )
  t.equal(
    failure({ flags: [{ origin: '--nope', path: ['nope'], value: 1 }] }).message,
    '--nope: nope: unknown key',
  )
})

void t.test('a variable that the configuration points at is no key', async (t) => {
  const file = yaml('gateway:\n  secret: env:PORTCULLIS_MY_SECRET\n')
  const env = { PORTCULLIS_MY_SECRET: 'x' }
  t.equal(loadConfig(schema, { file, env, flags: [] }).config.gateway.secret, 'env:PORTCULLIS_MY_SECRET')
  t.match(failure({ env }).message, /^PORTCULLIS_MY_SECRET: my_secret: unknown key/)
})

void t.test('a bad value is named with its key and place', async (t) => {
  const file = yaml('gateway:\n  listen: nowhere\n  threads: two\n')
  t.equal(
    failure({ file }).message,
    [
      `${file}:2: gateway.listen: must be HOST:PORT; got "nowhere"`,
      `${file}:3: gateway.threads: expected number; got "two"`,
    ].join('\n'),
  )
  t.equal(
    failure({ env: { PORTCULLIS_GATEWAY__THREADS: '0' } }).message,
    'PORTCULLIS_GATEWAY__THREADS: gateway.threads: too small: expected number to be >=1; got 0',
  )
})

void t.test('a missing key is shown at the place where it belongs', async (t) => {
  const file = yaml('gateway:\n  sites:\n    - name: a\n    - {}\n')
  t.equal(failure({ file }).message, `${file}:4: gateway.sites[1].name: expected string; it is missing`)
})

void t.test('of a choice, the branch that was meant is explained', async (t) => {
  const file = yaml('gateway:\n  upstream:\n    url: http://a\n    weight: heavy\n')
  t.equal(failure({ file }).message, `${file}:4: gateway.upstream.weight: expected number; got "heavy"`)
  const other = yaml('gateway:\n  upstream: 4\n')
  t.equal(
    failure({ file: other }).message,
    `${other}:2: gateway.upstream: expected string, or expected object; got 4`,
  )
})

void t.test('a secret never stands in a message', async (t) => {
  const file = yaml('gateway:\n  secret: [S3CR3T]\n  upstream: [http://user:S3CR3T@host/]\n')
  const { message } = failure({ file })
  t.notMatch(message, /S3CR3T/)
  t.match(message, /gateway\.secret: expected string; got "\[redacted\]"/)
})

void t.test('YAML that is broken, doubled or no mapping is refused with its line', async (t) => {
  const cases: [text: string, expected: RegExp][] = [
    ['data: a\ndata: b\n', /:2:1: Map keys must be unique/],
    ['gateway:\n  - a\n b: [\n', /:3:/],
    ['- a\n- b\n', /:1:1: the configuration must be a mapping/],
    ['data: a\n---\ndata: b\n', /second YAML document/],
    ['data: !!js/function "x"\n', /:1:7: Unresolved tag/],
    ['just text', /must be a mapping/],
  ]
  for (const [text, expected] of cases) {
    const error = failure({ file: yaml(text) })
    t.equal(error.code, 'CONFIG_INVALID')
    t.match(error.message, expected, text)
  }
})

void t.test('an alias bomb is refused', async (t) => {
  const levels = Array.from(
    { length: 12 },
    (_, n) => `l${n + 1}: &l${n + 1} [${Array(10).fill(`*l${n}`).join(', ')}]`,
  )
  t.match(failure({ file: yaml(`l0: &l0 [x]\n${levels.join('\n')}\n`) }).message, /alias/i)
})

void t.test('a file that is not there, not a file, not text, or huge is unreadable', async (t) => {
  t.equal(failure({ file: join(folder, 'none.yaml') }).code, 'CONFIG_UNREADABLE')
  t.equal(failure({ file: folder }).code, 'CONFIG_UNREADABLE')
  t.match(failure({ file: yaml(Uint8Array.of(0x61, 0xff, 0xfe)) }).message, /not UTF-8/)
  t.match(failure({ file: yaml(Buffer.alloc(5 * 1024 * 1024, 0x23)) }).message, /more than/)
  t.match(failure({ file: mkfifoSync(folder) }).message, /not a regular file/)
})

void t.test('an empty file is an empty configuration', async (t) => {
  for (const text of ['', '# nothing\n', '---\n', '{}'])
    t.equal(loadConfig(schema, { file: yaml(text), env: {}, flags: [] }).config.data, './data')
})

void t.test('__proto__ is an unknown key like any other', async (t) => {
  const file = yaml('__proto__:\n  polluted: 1\n')
  t.equal(failure({ file }).code, 'CONFIG_INVALID')
  t.equal(Reflect.get({}, 'polluted'), undefined)
  t.equal(failure({ env: { PORTCULLIS___PROTO__: '{polluted: 1}' } }).code, 'CONFIG_INVALID')
  t.equal(failure({ env: { PORTCULLIS_CONSTRUCTOR__PROTOTYPE__POLLUTED: '1' } }).code, 'CONFIG_INVALID')
  t.equal(Reflect.get({}, 'polluted'), undefined)
})

void t.test('whatever the bytes of a file are, it is accepted or refused with a code', async (t) => {
  const piece = fc.oneof(
    fc.constantFrom(
      'gateway',
      'data',
      ':',
      ' ',
      '\n',
      '  ',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a',
      '*a',
      '"',
      "'",
      '|',
      '>',
      '!!',
      '?',
    ),
    fc.string({ maxLength: 6 }),
  )
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const path = join(folder, 'fuzz.yaml')
        writeFileSync(path, pieces.join(''))
        try {
          loadConfig(schema, { file: path, env: {}, flags: [] })
        } catch (error) {
          return error instanceof RuntimeError && error.message.startsWith(path)
        }
        return true
      }),
      { numRuns: 1500, seed: 7 },
    ),
  )
})
