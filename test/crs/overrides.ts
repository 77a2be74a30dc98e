import { existsSync, readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import type { FtwOutput, FtwTest } from '../../detectors/ftw/test-file.js'

/**
 * What a platform may expect otherwise: requests that its HTTP listener refuses before any rule can see them. The format is
 * the one in which the Core Rule Set publishes overrides for other servers.
 */
const overrides = z.strictObject({
  test_overrides: z.array(
    z.strictObject({
      rule_id: z.number(),
      test_ids: z.array(z.number()),
      stage_ids: z.array(z.number()).optional(),
      reason: z.string().min(10),
      output: z.custom<FtwOutput>((value) => typeof value === 'object' && value !== null),
    }),
  ),
})

/** Reads an override file and applies it. A missing file overrides nothing. */
export function withOverrides(
  tests: readonly FtwTest[],
  file: string,
): { tests: FtwTest[]; overridden: Set<string> } {
  const overridden = new Set<string>()
  if (!existsSync(file)) return { tests: [...tests], overridden }
  const parsed = overrides.parse(parse(readFileSync(file, 'utf8')))
  const outputs = new Map<string, { output: FtwOutput; stages: readonly number[] | undefined }>()
  for (const { rule_id, test_ids, stage_ids, output } of parsed.test_overrides)
    for (const id of test_ids) outputs.set(`${rule_id}-${id}`, { output, stages: stage_ids })
  return {
    overridden,
    tests: tests.map((test) => {
      const override = outputs.get(test.name)
      if (!override) return test
      overridden.add(test.name)
      return {
        ...test,
        stages: test.stages.map((stage, at) =>
          override.stages && !override.stages.includes(at) ? stage : { ...stage, output: override.output },
        ),
      }
    }),
  }
}
