import { runResult, type RunResult } from '../run.js'
import { AgentError } from '../errors.js'

/**
 * The result in what a program or a model wrote: the JSON object itself, or one between other words (a model's fence), or such
 * a text in `result` of the envelope that claude-code prints.
 *
 * @param run whose result it is; `run_id` may be left out, and must be this one if it is there
 * @throws AgentError `RUN_RESULT_INVALID`
 */
export function readResult(output: string, run: string): RunResult {
  const answer = objectIn(output)
  const text = answer?.['type'] === 'result' ? answer['result'] : undefined
  const found = typeof text === 'string' ? objectIn(text) : answer
  if (found === undefined) throw invalid('it holds no JSON object')
  const parsed = runResult.safeParse({ run_id: run, ...found })
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw invalid(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
  }
  if (parsed.data.run_id !== run) throw invalid('run_id is the one of another run')
  return parsed.data
}

const invalid = (reason: string): AgentError =>
  new AgentError('RUN_RESULT_INVALID', `the answer is no result: ${reason}`)

function objectIn(text: string): Readonly<Record<string, unknown>> | undefined {
  for (const part of [text, text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)]) {
    try {
      const value: unknown = JSON.parse(part)
      if (typeof value === 'object' && value !== null && !Array.isArray(value))
        return value as Readonly<Record<string, unknown>>
    } catch {
      // The other part is tried, then the caller says so.
    }
  }
  return undefined
}
