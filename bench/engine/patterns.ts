/**
 * How much of the operators' work the prefilter takes away: for each workload, the values that rules judge one by one, how many of them the operators' requirements
 * admit, and what finding that out and judging the rest costs; the defaults of the product and a Core Rule Set. Processor time.
 *
 * usage: npm run patterns -- --crs DIR [--only TEXT] [--rules N] [--milliseconds N] [--large]
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { detectionConfig } from '../../detectors/config.js'
import { MemoryCounterStore } from '../../detectors/memory-counters.js'
import { compileSiteRules } from '../../detectors/pipeline.js'
import type { Operator, OperatorRun } from '../../detectors/seclang/operator.js'
import { maskOf, noRequirement, Prefilter } from '../../detectors/seclang/prefilter/index.js'
import type { CompiledRule, RuleLink } from '../../detectors/seclang/rule.js'
import { Transaction } from '../../detectors/transaction.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'
import { LARGE, RESPONSE, SMALL, type Workload } from '../inspection/workloads.js'

const { values } = parseArgs({
  options: {
    crs: { type: 'string' },
    only: { type: 'string', default: '' },
    rules: { type: 'string', default: '0' },
    milliseconds: { type: 'string', default: '200' },
    large: { type: 'boolean', default: false },
  },
})
const crs = values.crs
const milliseconds = Number(values.milliseconds)
if (crs === undefined || !(milliseconds >= 1) || !(Number(values.rules) >= 0))
  throw new Error('--crs names a Core Rule Set folder; --rules and --milliseconds are numbers')

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const processorUs = (): number => {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Microseconds of processor time for one round of the work. */
function cost(work: () => void): number {
  for (let round = 0; round < 20; round++) work()
  let rounds = 0
  const start = processorUs()
  let spent = 0
  while (spent < milliseconds * 1000) {
    for (let round = 0; round < 20; round++) work()
    rounds += 20
    spent = processorUs() - start
  }
  return spent / rounds
}

/** One operator asked about one value, as the rules do it one by one. */
interface Judgement {
  readonly rule: CompiledRule
  readonly operator: Operator
  readonly value: string
}

const PORTS = { clock: { now: () => Date.now() }, counters: new MemoryCounterStore() }
const CLIENT = {
  address: '192.0.2.7',
  port: 40_000,
  serverAddress: '198.51.100.1',
  serverPort: 443,
  tls: true,
} as const
const RUN: OperatorRun = {
  capturing: false,
  setCapture: () => undefined,
  locating: false,
  matchedAt: () => undefined,
  expand: (template) => template,
  truncate: () => undefined,
  setGeo: () => undefined,
}

const loadStart = processorUs()
const rules = compileSiteRules(detectionConfig.parse({ phases: { owasp_crs: { dir: resolve(crs) } } }), {
  files: nodeRuleFiles,
  warn: () => undefined,
})
say(`${rules.size} rules loaded in ${((processorUs() - loadStart) / 1000).toFixed(0)} ms`)

/** What rules that judge by first link ask of a request and its response, negated operators aside: for these only judging tells. */
function judgements({ method, target, headers, body }: Workload): readonly Judgement[] {
  const found: Judgement[] = []
  const head = {
    requestId: '01900000-0000-7000-8000-000000000000',
    method,
    target,
    httpVersion: '1.1',
    headers,
  }
  const tx = new Transaction(CLIENT, head, PORTS)
  const evaluation = rules.begin(tx, {
    target: (rule: CompiledRule, link: RuleLink, _: string, value: string) => {
      const { operator } = link
      if (operator === undefined || operator.negated || operator.run.requires === undefined) return
      found.push({ rule, operator: operator.run, value })
    },
  })
  evaluation.run(1)
  tx.setRequestBody({ bytes: Buffer.from(body), complete: true })
  evaluation.run(2)
  tx.setResponse(RESPONSE)
  evaluation.run(3)
  if (evaluation.wantsResponseBody) tx.setResponseBody({ bytes: RESPONSE.body, complete: true })
  evaluation.run(4)
  return found
}

say(`${'workload'.padEnd(32)}   asked  left      %  texts  µs: mask filter  left   all`)
const left = new Map<number, number>()
for (const workload of values.large ? LARGE : SMALL) {
  if (!workload.name.includes(values.only)) continue
  const asked = judgements(workload)
  const operators = [...new Set(asked.map(({ operator }) => operator))]
  const prefilter = new Prefilter(operators.map(({ requires }) => requires ?? noRequirement))
  const texts = [...new Set(asked.map(({ value }) => value))]
  const member = new Map(operators.map((operator, index) => [operator, index]))
  const isCandidate = ({ operator, value }: Judgement): boolean => {
    const index = member.get(operator) ?? 0
    const candidates = prefilter.candidates(value, maskOf(value))
    return (((candidates[index >>> 5] ?? 0) >>> (index & 31)) & 1) === 1
  }
  const remaining = asked.filter(isCandidate)
  for (const { rule } of remaining) left.set(rule.id, (left.get(rule.id) ?? 0) + 1)
  for (const judgement of asked)
    if (judgement.operator(judgement.value, RUN) && !isCandidate(judgement))
      throw new Error(`rule ${judgement.rule.id} matches what its requirement does not admit`)
  const masks = cost(() => texts.forEach((text) => maskOf(text)))
  const filter = cost(() => texts.forEach((text) => prefilter.candidates(text, maskOf(text))))
  const some = cost(() => remaining.forEach(({ operator, value }) => operator(value, RUN)))
  const all = cost(() => asked.forEach(({ operator, value }) => operator(value, RUN)))
  const share = ((remaining.length * 100) / asked.length).toFixed(1)
  const numbers = [masks, filter, some, all].map((each) => each.toFixed(1).padStart(7)).join('')
  say(
    `${workload.name.padEnd(32)}${String(asked.length).padStart(8)}${String(remaining.length).padStart(6)}${share.padStart(7)}${String(texts.length).padStart(7)}     ${numbers}`,
  )
}
for (const [id, count] of [...left].toSorted(([, a], [, b]) => b - a).slice(0, Number(values.rules)))
  say(`  rule ${id}: ${count} left`)
