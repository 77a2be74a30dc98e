import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { LOAD_CPU } from './server.js'
import type { Workload } from './workload.js'

const CONNECTIONS = 32

/** What wrk saw of one run. */
export interface LoadResult {
  readonly seconds: number
  /** Answered ones. */
  readonly requests: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  /** Answers with another status than the expected one. */
  readonly wrong: number
  /** Connections that could not be made or broke, and requests that timed out. */
  readonly socketErrors: number
}

/** Requests that may be under way, without an answer, when a run ends. */
export const IN_FLIGHT = CONNECTIONS

/** A string of bytes as Lua writes it. */
const luaString = (text: string): string =>
  `"${text.replace(/[^ !#-[\]-~]/g, (char) => `\\${String(char.charCodeAt(0)).padStart(3, '0')}`)}"`

/**
 * wrk looks at the head of each answer only when a script asks it to, which costs the load's CPU. An expected 200 need
 * not: wrk counts statuses above 399 by itself, and the upstream counts what reached it.
 */
const script = ({ requests }: Workload, expected: number): string => `
local requests = { ${requests.map(luaString).join(',\n')} }
local at, threads = 0, {}
function setup(thread) table.insert(threads, thread) end
function init() wrong = 0 end
function request()
  at = at % #requests + 1
  return requests[at]
end
${expected === 200 ? '' : `function response(status) if status ~= ${expected} then wrong = wrong + 1 end end`}
function done(summary, latency)
  local errors = summary.errors
  local counted = ${expected === 200 ? 'errors.status' : '0'}
  for _, thread in ipairs(threads) do counted = counted + thread:get("wrong") end
  print(string.format(
    '{"seconds":%.6f,"requests":%d,"p50Ms":%.3f,"p99Ms":%.3f,"p999Ms":%.3f,"wrong":%d,"socketErrors":%d}',
    summary.duration / 1e6, summary.requests,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency:percentile(99.9) / 1000,
    counted, errors.connect + errors.read + errors.write + errors.timeout))
end
`

const run = promisify(execFile)

/** Puts load on a port of this machine as fast as it answers, on the CPU of the load. */
export async function load(
  port: number,
  workload: Workload,
  options: { readonly expected: number; readonly seconds: number; readonly folder: string },
): Promise<LoadResult> {
  const file = join(options.folder, 'load.lua')
  writeFileSync(file, script(workload, options.expected))
  const shape = ['--threads', '1', '--connections', String(CONNECTIONS), '--timeout', '30s']
  const duration = ['--duration', `${options.seconds}s`]
  const url = `http://127.0.0.1:${port}/`
  const { stdout } = await run('taskset', [
    '-c',
    LOAD_CPU,
    'wrk',
    ...shape,
    ...duration,
    '--script',
    file,
    url,
  ])
  const line = stdout.split('\n').find((text) => text.startsWith('{'))
  if (line === undefined) throw new Error(`wrk reported nothing:\n${stdout}`)
  return JSON.parse(line) as LoadResult
}
