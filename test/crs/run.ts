/**
 * Runs regression tests of the Core Rule Set against the real gateway, or against the engine alone.
 *
 *     npm run test:crs -- --crs DIR --tests DIR [--listener node|uws|engine] [--only RULE] [--json FILE]
 *
 * Prints a table per rule file and every test that failed; exits 1 when one did.
 */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { readTests } from '../../cli/ftw-files.js'
import { failuresOf } from '../../detectors/ftw/check.js'
import { EngineTarget } from '../../detectors/ftw/engine-target.js'
import { requestBytes } from '../../detectors/ftw/request.js'
import type { FtwTest } from '../../detectors/ftw/test-file.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'
import { GatewayTarget, observe } from './gateway-target.js'
import { withOverrides } from './overrides.js'

const { values } = parseArgs({
  options: {
    crs: { type: 'string' },
    tests: { type: 'string' },
    listener: { type: 'string', default: 'node' },
    only: { type: 'string' },
    json: { type: 'string' },
  },
})
const { crs, tests: folder, listener } = values
if (crs === undefined || folder === undefined || !['node', 'uws', 'engine'].includes(listener))
  throw new Error(
    'usage: npm run test:crs -- --crs DIR --tests DIR [--listener node|uws|engine] [--only RULE]',
  )

type Failures = ReadonlyMap<string, readonly string[]>

const all = readTests(resolve(folder)).filter(
  (test) => values.only === undefined || String(test.rule) === values.only,
)
const { tests, overridden } = withOverrides(
  all,
  new URL(`overrides-${listener}.yaml`, import.meta.url).pathname,
)

const judgeEngine = (): Failures => {
  const target = new EngineTarget(resolve(crs), nodeRuleFiles)
  for (const warning of target.warnings) process.stdout.write(`warning: ${warning}\n`)
  return new Map(
    tests.map((test) => [
      test.name,
      test.stages.flatMap(({ input, output }) => failuresOf(output, target.send(requestBytes(input)))),
    ]),
  )
}

const judgeGateway = async (some: readonly FtwTest[]): Promise<Failures> => {
  const bin = new URL('../../bin/portcullis', import.meta.url).pathname
  const target = await GatewayTarget.start(resolve(crs), listener === 'uws' ? 'uws' : 'node', bin)
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
    for (const { test, output, marker, answer } of sent) {
      const list = failures.get(test.name)
      const rules = logged.get(marker)
      if (!rules) list?.push('its marker is not in the log')
      list?.push(...failuresOf(output, observe(answer, rules ?? [])))
      if (overridden.has(test.name) && answer.reachedUpstream)
        list?.push('overridden, but it reached the upstream')
    }
    return failures
  } finally {
    await target.stop()
    target.remove()
  }
}

const failed = (failures: Failures): FtwTest[] =>
  tests.filter((test) => (failures.get(test.name)?.length ?? 1) > 0)

let failures = listener === 'engine' ? judgeEngine() : await judgeGateway(tests)
const retry = failed(failures).filter((test) => test.stages.some(({ output }) => output.retry_once === true))
if (retry.length > 0 && listener !== 'engine')
  failures = new Map([...failures, ...(await judgeGateway(retry))])

const groups = new Map<string, { passed: number; failed: number }>()
for (const test of tests) {
  const group = groups.get(test.group) ?? { passed: 0, failed: 0 }
  groups.set(test.group, group)
  const why = failures.get(test.name) ?? ['not run']
  if (why.length === 0) group.passed++
  else {
    group.failed++
    process.stdout.write(`not passed: ${test.name}: ${why.join('; ').slice(0, 400)}\n`)
  }
}
process.stdout.write(`\n${'rule file'.padEnd(48)} passed failed\n`)
for (const [name, { passed, failed: count }] of groups)
  process.stdout.write(`${name.padEnd(48)} ${String(passed).padStart(6)} ${String(count).padStart(6)}\n`)
const lost = failed(failures)
process.stdout.write(
  `${tests.length - lost.length} passed, ${lost.length} failed, ${overridden.size} overridden (${listener})\n`,
)
if (values.json !== undefined)
  writeFileSync(
    values.json,
    JSON.stringify({ total: tests.length, failed: lost.map((test) => test.name) }) + '\n',
  )
process.exitCode = lost.length > 0 ? 1 : 0
