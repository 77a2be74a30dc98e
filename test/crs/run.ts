/**
 * Runs regression tests of the Core Rule Set against the real gateway, or against the engine alone.
 *
 *     npm run test:crs -- --crs DIR --tests DIR [--listener strict|node|uws|engine] [--only RULE] [--json FILE]
 *         [--update-ratchet]
 *
 * Prints a table per rule file and every test that failed, and compares with `ratchet.json`: what was once reached is not lost
 * again. Exits 1 when a rule file does worse than the ratchet, or when a test failed in one that the ratchet does not know with
 * these tests. `--update-ratchet` writes what was reached instead. A test whose request the listener refuses by
 * itself is judged by the engine alone, from the same bytes, and counted; more of those than LIMITS allows fail the run.
 */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readTests } from '../../cli/ftw-files.js'
import { failuresOf } from '../../detectors/ftw/check.js'
import { EngineTarget } from '../../detectors/ftw/engine-target.js'
import { requestBytes } from '../../detectors/ftw/request.js'
import type { FtwTest } from '../../detectors/ftw/test-file.js'
import type { ListenerName } from '../../gateway/listener/listener.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'
import { GatewayTarget, observe, refusedByListener } from './gateway-target.js'
import { withOverrides } from './overrides.js'
import { compare, readRatchet, resultsOf, updateRatchet } from './ratchet.js'

const { values } = parseArgs({
  options: {
    crs: { type: 'string' },
    tests: { type: 'string' },
    listener: { type: 'string', default: 'strict' },
    only: { type: 'string' },
    json: { type: 'string' },
    'update-ratchet': { type: 'boolean', default: false },
  },
})
const { crs, tests: folder, listener } = values
if (crs === undefined || folder === undefined || !['strict', 'node', 'uws', 'engine'].includes(listener))
  throw new Error(
    'usage: npm run test:crs -- --crs DIR --tests DIR [--listener strict|node|uws|engine] [--only RULE]',
  )

/** Tests that a listener may keep from the engine, over the whole suite: those overridden and those found while running. */
const LIMITS: ReadonlyMap<string, number> = new Map([
  ['strict', 5],
  ['node', 25],
  ['uws', 70],
])

const listenerName = (text: string): ListenerName => (text === 'uws' || text === 'node' ? text : 'strict')

type Failures = ReadonlyMap<string, readonly string[]>

const all = readTests(resolve(folder)).filter(
  (test) => values.only === undefined || String(test.rule) === values.only,
)
const { tests, overridden } = withOverrides(
  all,
  new URL(`overrides-${listener}.yaml`, import.meta.url).pathname,
)

const refused = new Set<string>()

const judgeEngine = (some: readonly FtwTest[]): Failures => {
  const target = new EngineTarget(resolve(crs), nodeRuleFiles)
  for (const warning of target.warnings) process.stdout.write(`warning: ${warning}\n`)
  return new Map(
    some.map((test) => [
      test.name,
      test.stages.flatMap(({ input, output }) => failuresOf(output, target.send(requestBytes(input)))),
    ]),
  )
}

const judgeGateway = async (some: readonly FtwTest[]): Promise<Failures> => {
  const bin = new URL('../../bin/portcullis', import.meta.url).pathname
  const target = await GatewayTarget.start(resolve(crs), listenerName(listener), bin)
  try {
    const sent = []
    for (const test of some)
      for (const { input, output } of test.stages) {
        const marker = await target.marker()
        sent.push({ test, output, marker, answer: await target.send(requestBytes(input)) })
      }
    await target.marker()
    // Stopping writes what is still to be written.
    await target.stop()
    const logged = target.logged()
    const failures = new Map<string, string[]>(some.map((test) => [test.name, []]))
    const unseen = new Set<FtwTest>()
    for (const { test, output, marker, answer } of sent) {
      const list = failures.get(test.name)
      const log = logged.get(marker)
      if (!log) {
        list?.push('its marker is not in the log')
        continue
      }
      const found = failuresOf(output, observe(answer, log.rules))
      list?.push(...found)
      if (found.length > 0 && refusedByListener(answer, log)) unseen.add(test)
      if (overridden.has(test.name) && answer.reachedUpstream)
        list?.push('overridden, but it reached the upstream')
    }
    if (unseen.size === 0) return failures
    for (const { name } of unseen) refused.add(name)
    return new Map([...failures, ...judgeEngine([...unseen])])
  } finally {
    await target.stop()
    target.remove()
  }
}

const failed = (failures: Failures): FtwTest[] =>
  tests.filter((test) => (failures.get(test.name)?.length ?? 1) > 0)

let failures = listener === 'engine' ? judgeEngine(tests) : await judgeGateway(tests)
const retry = failed(failures).filter((test) => test.stages.some(({ output }) => output.retry_once === true))
if (retry.length > 0 && listener !== 'engine')
  failures = new Map([...failures, ...(await judgeGateway(retry))])

const outcomes = tests.map(({ name, group }) => ({
  name,
  group,
  passed: failures.get(name)?.length === 0,
  overridden: overridden.has(name) || refused.has(name),
}))
for (const { name, passed } of outcomes)
  if (!passed)
    process.stdout.write(
      `not passed: ${name}: ${(failures.get(name) ?? ['not run']).join('; ').slice(0, 400)}\n`,
    )
const results = resultsOf(outcomes)
process.stdout.write(`\n${'rule file'.padEnd(48)} passed failed\n`)
for (const [name, { tests: all, passed }] of Object.entries(results))
  process.stdout.write(
    `${name.padEnd(48)} ${String(passed).padStart(6)} ${String(all - passed).padStart(6)}\n`,
  )
const lost = failed(failures)
const kept = overridden.size + refused.size
const tooMany = kept > (LIMITS.get(listener) ?? 0)
if (refused.size > 0)
  process.stdout.write(`refused by the listener, judged by the engine: ${[...refused].join(' ')}\n`)
if (tooMany) process.stdout.write(`kept from the engine by the listener: ${kept} tests, more than may be\n`)
if (values.json !== undefined)
  writeFileSync(
    values.json,
    JSON.stringify({
      total: tests.length,
      failed: lost.map((test) => test.name),
      refused: [...overridden, ...refused],
    }) + '\n',
  )

const ratchetFile = new URL('ratchet.json', import.meta.url).pathname
if (values['update-ratchet']) updateRatchet(ratchetFile, listener, results)
const { worse, better, unknown } = compare(readRatchet(ratchetFile)[listener] ?? {}, results, outcomes)
for (const line of worse) process.stdout.write(`worse than the ratchet: ${line}\n`)
for (const line of better) process.stdout.write(`raise the ratchet (--update-ratchet): ${line}\n`)
if (unknown.length > 0)
  process.stdout.write(`not compared, the ratchet has other tests or none: ${unknown.join(', ')}\n`)
process.stdout.write(
  `${tests.length - lost.length} passed, ${lost.length} failed, ${overridden.size} overridden, ${refused.size} refused (${listener})\n`,
)
const uncovered = outcomes.some(({ group, passed }) => !passed && unknown.includes(group))
process.exitCode = worse.length > 0 || uncovered || tooMany ? 1 : 0
