import { parse } from 'yaml'
import { z } from 'zod'

import { DetectorError } from '../errors.js'

/**
 * The format in which the Core Rule Set writes its regression tests (FTW): a rule id, and tests of one or more stages with
 * an input and what its output must show.
 */

const input = z.looseObject({
  method: z.string().optional(),
  uri: z.string().optional(),
  version: z.string().optional(),
  headers: z.record(z.string(), z.union([z.string(), z.number()]).transform(String)).optional(),
  ordered_headers: z.array(z.object({ name: z.string(), value: z.string() })).optional(),
  data: z.string().optional(),
  encoded_data: z.string().optional(),
  encoded_request: z.string().optional(),
  autocomplete_headers: z.boolean().optional(),
  stop_magic: z.boolean().optional(),
})

const log = z.strictObject({
  expect_ids: z.array(z.number()).optional(),
  no_expect_ids: z.array(z.number()).optional(),
  match_regex: z.string().optional(),
  no_match_regex: z.string().optional(),
})

const output = z.strictObject({
  status: z.union([z.number(), z.array(z.number())]).optional(),
  expect_error: z.boolean().optional(),
  response_contains: z.string().optional(),
  log: log.optional(),
  log_contains: z.string().optional(),
  no_log_contains: z.string().optional(),
  isolated: z.boolean().optional(),
  retry_once: z.boolean().optional(),
})

const file = z.looseObject({
  rule_id: z.number(),
  tests: z.array(
    z.looseObject({
      test_id: z.number(),
      desc: z.string().optional(),
      stages: z.array(z.looseObject({ input, output })),
    }),
  ),
})

export type FtwInput = z.output<typeof input>
export type FtwOutput = z.output<typeof output>

export interface FtwTest {
  /** e.g. `920100-3`. */
  readonly name: string
  readonly rule: number
  readonly id: number
  /** Folder of the test file, which is the name of the rule file. */
  readonly group: string
  readonly stages: readonly { readonly input: FtwInput; readonly output: FtwOutput }[]
}

/**
 * Reads the tests of one file. A file of nothing but comments has none.
 *
 * @param name of the file, with its folder, for errors and as the group of the tests
 * @throws DetectorError `DETECTOR_FILE` for a file that is not in the format
 */
export function parseTestFile(text: string, name: string): FtwTest[] {
  const content = read(text, name)
  if (content === null) return []
  const parsed = file.safeParse(content)
  if (!parsed.success) throw new DetectorError('DETECTOR_FILE', `${name}: ${z.prettifyError(parsed.error)}`)
  const group = name.split('/').at(-2) ?? name
  return parsed.data.tests.map((test) => ({
    name: `${parsed.data.rule_id}-${test.test_id}`,
    rule: parsed.data.rule_id,
    id: test.test_id,
    group,
    stages: test.stages,
  }))
}

function read(text: string, name: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new DetectorError('DETECTOR_FILE', `${name}: ${why}`, { cause: error })
  }
}
