/**
 * What judging costs: processor time of one exchange through all phases with the defaults of the product and a Core Rule Set,
 * without sockets. Every run checks that benign requests pass and that the attack is refused.
 *
 * usage: npm run inspection -- --crs DIR [--against CHECKOUT] [--phases] [--large] [--only TEXT] [--rounds N] [--milliseconds N]
 *     [--profile FOLDER] [--json FILE]
 *
 * `--against` alternates with another checkout that was built, in a process of its own, and gives the ratio; `--phases` switches the
 * phases on one after another; `--large` takes bodies of 64 KiB; `--profile` writes a profile for each workload and prints its top.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { fileURLToPath } from 'node:url'
import type { PhaseName } from '../../detectors/index.js'
import type { Cost, Order, Ready } from './messages.js'
import { topOf } from './profile.js'
import { LARGE, SMALL } from './workloads.js'

const { values } = parseArgs({
  options: {
    crs: { type: 'string' },
    against: { type: 'string' },
    phases: { type: 'boolean', default: false },
    large: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    rounds: { type: 'string', default: '5' },
    milliseconds: { type: 'string', default: '300' },
    profile: { type: 'string' },
    json: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const milliseconds = Number(values.milliseconds)
if (values.crs === undefined || !(rounds >= 1) || !(milliseconds >= 1))
  throw new Error('--crs names a Core Rule Set folder; --rounds and --milliseconds are numbers from 1')
const crs = resolve(values.crs)

/** Phases in running order, each step with those before it. Policies have nothing to judge by unless somebody says so. */
const STEPS: readonly (readonly [name: string, phases: readonly PhaseName[]])[] = [
  ['nothing', []],
  ['policies', ['ip_allow', 'ip_block', 'url_allow', 'url_block', 'geoip', 'rate_limit', 'hotlink']],
  ['scanner', ['scanner']],
  ['sql_injection', ['sql_injection']],
  ['xss', ['xss']],
  ['rce', ['rce']],
  ['traversal', ['traversal']],
  ['custom_rules', ['custom_rules']],
  ['owasp_crs', ['owasp_crs']],
]

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
const short = (microseconds: number): string => microseconds.toFixed(microseconds < 100 ? 1 : 0).padStart(9)

async function told<T>(child: ChildProcess): Promise<T> {
  const done = new AbortController()
  const ended = once(child, 'exit', { signal: done.signal }).then(([code]) => {
    throw new Error(`a process of the benchmark ended with ${String(code)}`)
  })
  ended.catch(() => undefined)
  const [message] = (await Promise.race([once(child, 'message', { signal: done.signal }), ended])) as [T]
  done.abort()
  return message
}

async function start(checkout: string): Promise<ChildProcess> {
  const child = fork(new URL('judge-process.ts', import.meta.url), [resolve(checkout), crs])
  const { loading } = await told<Ready>(child)
  say(`${checkout}: loaded in ${Math.round(loading)} ms of processor time`)
  return child
}

async function cost(child: ChildProcess, order: Order): Promise<number> {
  child.send(order)
  return (await told<Cost>(child)).microseconds
}

/** Medians of alternating runs, in the order of `children`. */
async function alternate(children: readonly ChildProcess[], order: Order): Promise<number[]> {
  const runs: number[][] = children.map(() => [])
  for (let round = 0; round < rounds; round++)
    for (const [index, child] of children.entries()) runs[index]?.push(await cost(child, order))
  return runs.map(median)
}

const here = fileURLToPath(new URL('../..', import.meta.url))
const names = (values.large ? LARGE : SMALL)
  .map(({ name }) => name)
  .filter((name) => name.includes(values.only))
const rows: object[] = []
say(`load before: ${(loadavg()[0] ?? 0).toFixed(2)}; microseconds of processor time for one exchange`)
const children = await Promise.all(
  [here, ...(values.against === undefined ? [] : [values.against])].map(start),
)
try {
  say(
    `${'workload'.padEnd(32)}${'here'.padStart(9)}${values.against === undefined ? '' : '  against    ratio'}`,
  )
  for (const workload of names) {
    const [ours = Number.NaN, theirs] = await alternate(children, { workload, only: undefined, milliseconds })
    rows.push({ workload, microseconds: ours, ...(theirs === undefined ? {} : { against: theirs }) })
    const ratio = theirs === undefined ? '' : `${short(theirs)}${(ours / theirs).toFixed(3).padStart(9)}`
    say(`${workload.padEnd(32)}${short(ours)}${ratio}`)
  }
  if (values.phases) {
    say(`\n${'phases up to'.padEnd(16)}${names.map((_, index) => `     [${index + 1}] `).join('')}`)
    let only: readonly PhaseName[] = []
    for (const [step, phases] of STEPS) {
      only = [...only, ...phases]
      const costs: number[] = []
      for (const workload of names)
        costs.push((await alternate(children.slice(0, 1), { workload, only, milliseconds }))[0] ?? Number.NaN)
      rows.push({ step, microseconds: costs })
      say(`${step.padEnd(16)}${costs.map(short).join('')}`)
    }
  }
  if (values.profile !== undefined) {
    mkdirSync(values.profile, { recursive: true })
    for (const workload of names) {
      const file = resolve(join(values.profile, `${workload.replaceAll(/[^A-Za-z0-9]+/g, '-')}.cpuprofile`))
      const [child] = children
      if (child !== undefined)
        await cost(child, { workload, only: undefined, milliseconds: 3000, profile: file })
      say(`\n${workload}: ${file}\n${topOf(readFileSync(file, 'utf8'))}`)
    }
  }
} finally {
  for (const child of children) child.kill()
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(rows, undefined, 2)}\n`)
