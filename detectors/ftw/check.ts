import type { FtwOutput } from './test-file.js'

/** What one stage showed. */
export interface Observed {
  /** Undefined when no valid response came back. */
  readonly status: number | undefined
  readonly body: string
  /** Ids of the logged rules, in order. */
  readonly ids: readonly number[]
  /** The log lines as ModSecurity would write them. */
  readonly lines: readonly string[]
}

/** A logged match, rendered as ModSecurity's error log has it; some tests look for that form. */
export const nativeLine = (rule: {
  readonly id: number
  readonly msg: string
  readonly data: string
  readonly tags: readonly string[]
}): string =>
  `[id "${rule.id}"] [msg "${rule.msg}"] [data "${rule.data}"]` +
  rule.tags.map((tag) => ` [tag "${tag}"]`).join('')

/** Everything that an output demands and the stage did not show; empty when the stage passed. */
export function failuresOf(output: FtwOutput, observed: Observed): string[] {
  const failures: string[] = []
  const { status, ids, body } = observed
  const text = observed.lines.join('\n')
  if (output.expect_error === true && status !== undefined)
    failures.push(`answered ${status} instead of an error`)
  if (output.status !== undefined && ![output.status].flat().includes(status ?? 0))
    failures.push(`status ${status ?? 'none'} instead of ${String(output.status)}`)
  if (output.response_contains !== undefined && !new RegExp(output.response_contains).test(body))
    failures.push('the response does not hold what it must')
  const missing = output.log?.expect_ids?.filter((id) => !ids.includes(id)) ?? []
  if (missing.length > 0) failures.push(`not seen: ${missing.join(' ')} (seen: ${ids.join(' ') || 'none'})`)
  const unwanted = output.log?.no_expect_ids?.filter((id) => ids.includes(id)) ?? []
  if (unwanted.length > 0) failures.push(`seen but must not: ${unwanted.join(' ')}`)
  for (const pattern of [output.log?.match_regex, output.log_contains])
    if (pattern !== undefined && !new RegExp(pattern).test(text))
      failures.push(`no log line matches ${pattern}`)
  for (const pattern of [output.log?.no_match_regex, output.no_log_contains])
    if (pattern !== undefined && new RegExp(pattern).test(text))
      failures.push(`a log line matches ${pattern}`)
  if (output.isolated === true && new Set(ids).size !== 1)
    failures.push(`not isolated: ${ids.join(' ') || 'nothing seen'}`)
  return failures
}
