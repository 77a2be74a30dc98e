/**
 * What the SecLang engine costs alone: processor time of one transaction by the plan and, for comparison, with every rule judging every value; the
 * defaults of the product and a Core Rule Set. Requests are made of fresh strings outside of what is measured.
 *
 * It runs what `npm run build` made.
 *
 * usage: npm run engine -- --crs DIR [--only TEXT] [--rounds N] [--milliseconds N] [--plan-only] [--json FILE]
 */
import { writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import type * as Config from '../../detectors/config.js'
import type * as Counters from '../../detectors/memory-counters.js'
import type * as Pipeline from '../../detectors/pipeline.js'
import type { RuleSet } from '../../detectors/seclang/index.js'
import type * as Transactions from '../../detectors/transaction.js'
import type * as Files from '../../gateway/rule-files.js'
import { keepYoungObjectsYoung } from '../../runtime/young-objects.js'
import { LARGE, RESPONSE, SMALL, type Workload } from '../inspection/workloads.js'

const { values } = parseArgs({
  options: {
    crs: { type: 'string' },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    milliseconds: { type: 'string', default: '300' },
    large: { type: 'boolean', default: false },
    'plan-only': { type: 'boolean', default: false },
    json: { type: 'string' },
  },
})
keepYoungObjectsYoung()
// What is measured is what is shipped, not what a loader makes of the sources.
const built = async <T>(file: string): Promise<T> =>
  (await import(new URL(`../../dist/${file}`, import.meta.url).href)) as T
const { detectionConfig } = await built<typeof Config>('detectors/config.js')
const { MemoryCounterStore } = await built<typeof Counters>('detectors/memory-counters.js')
const { compileSiteRules } = await built<typeof Pipeline>('detectors/pipeline.js')
const { Transaction } = await built<typeof Transactions>('detectors/transaction.js')
const { nodeRuleFiles } = await built<typeof Files>('gateway/rule-files.js')

const rounds = Number(values.rounds)
const milliseconds = Number(values.milliseconds)
if (values.crs === undefined || !(rounds >= 1) || !(milliseconds >= 1))
  throw new Error('--crs names a Core Rule Set folder; --rounds and --milliseconds are numbers from 1')

const PORTS = { clock: { now: () => Date.now() }, counters: new MemoryCounterStore() }
const CLIENT = {
  address: '192.0.2.7',
  port: 40_000,
  serverAddress: '198.51.100.1',
  serverPort: 443,
  tls: true,
} as const
/** Transactions that are made together. */
const BATCH = 32

const processorMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN

/** Text that no table of the runtime knows yet. */
const fresh = (text: string): string => Buffer.from(text, 'latin1').toString('latin1')

function transactionOf({ method, target, headers }: Workload): Transactions.Transaction {
  const head = {
    requestId: '01900000-0000-7000-8000-000000000000',
    method,
    target: fresh(target),
    httpVersion: '1.1',
    headers: headers.map(([name, value]) => [fresh(name), fresh(value)] as const),
  }
  return new Transaction(CLIENT, head, PORTS)
}

/** Judges a transaction as the gateway does; whether it was refused. */
function judge(rules: RuleSet, tx: Transactions.Transaction, body: Uint8Array, oneByOne: boolean): boolean {
  const evaluation = rules.begin(tx, oneByOne ? {} : undefined)
  const through = (): boolean => {
    if (evaluation.run(1) !== undefined) return false
    tx.setRequestBody({ bytes: body, complete: true })
    if (evaluation.run(2) !== undefined) return false
    tx.setResponse(RESPONSE)
    if (evaluation.run(3) !== undefined) return false
    if (evaluation.wantsResponseBody) tx.setResponseBody({ bytes: RESPONSE.body, complete: true })
    return evaluation.run(4) === undefined
  }
  const passed = through()
  evaluation.run(5)
  return !passed
}

/** Microseconds of processor time for one transaction. */
function cost(rules: RuleSet, workload: Workload, oneByOne: boolean): number {
  const body = Buffer.from(workload.body)
  let spent = 0
  let count = 0
  while (spent < milliseconds) {
    const batch = Array.from({ length: BATCH }, () => transactionOf(workload))
    const before = processorMs()
    for (const tx of batch)
      if (judge(rules, tx, body, oneByOne) !== (workload.outcome === 'block'))
        throw new Error(`${workload.name}: wrong answer`)
    spent += processorMs() - before
    count += BATCH
  }
  return (spent * 1000) / count
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const load = (): RuleSet =>
  compileSiteRules(detectionConfig.parse({ phases: { owasp_crs: { dir: resolve(values.crs ?? '') } } }), {
    files: nodeRuleFiles,
    warn: () => undefined,
  })

say(`load before: ${(loadavg()[0] ?? 0).toFixed(2)}`)
const start = processorMs()
const rules = load()
const first = processorMs() - start
const loading = [1, 2, 3].map(() => {
  const before = processorMs()
  load()
  return processorMs() - before
})
say(
  `${rules.size} rules loaded in ${first.toFixed(0)} ms of processor time; once warm in ${median(loading).toFixed(0)} ms`,
)
const ways = values['plan-only'] ? [false] : [false, true]
say(`${'microseconds'.padEnd(32)}${'plan'.padStart(9)}${values['plan-only'] ? '' : ' one by one    ratio'}`)
const rows: object[] = []
for (const workload of values.large ? LARGE : SMALL) {
  if (!workload.name.includes(values.only)) continue
  const runs: number[][] = ways.map(() => [])
  for (let round = 0; round <= rounds; round++)
    for (const [index, oneByOne] of ways.entries()) {
      const each = cost(rules, workload, oneByOne)
      // The first round warms up.
      if (round > 0) runs[index]?.push(each)
    }
  const [plan = Number.NaN, oneByOne] = runs.map(median)
  rows.push({ workload: workload.name, plan, ...(oneByOne === undefined ? {} : { oneByOne }) })
  const compared =
    oneByOne === undefined
      ? ''
      : `${oneByOne.toFixed(1).padStart(11)}${(oneByOne / plan).toFixed(1).padStart(9)}`
  say(`${workload.name.padEnd(32)}${plan.toFixed(1).padStart(9)}${compared}`)
}
if (values.json !== undefined)
  writeFileSync(
    values.json,
    `${JSON.stringify({ firstLoadMs: first, warmLoadMs: median(loading), rows }, undefined, 2)}\n`,
  )
