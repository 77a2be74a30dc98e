import type { Metrics } from '../runtime/telemetry/metrics.js'
import type { Pace } from './pace.js'
import type { ScanPool } from './pool.js'
import type { RulesInForce, RulesState } from './rules-in-force.js'
import type { Schedule, ScheduleState } from './schedule.js'
import type { Watcher, WatchState } from './watch/watcher.js'

export interface ObservedParts {
  readonly pool: ScanPool
  readonly pace: Pace
  readonly rules: RulesInForce
  readonly watcher: Watcher
  readonly schedule: Schedule
  readonly pausedSince: () => number | undefined
}

/** How the daemon is, for `/health` and `portcullis scanner status`. Times are milliseconds since the epoch. */
export interface ScannerState {
  /** Since when routine work stands still; what is asked for is judged all the same. */
  readonly paused_since?: number
  /** What is wrong but does not keep it from judging, by name. */
  readonly problems: Readonly<Record<string, string>>
  readonly rules: RulesState
  readonly watch: WatchState
  readonly schedules: readonly ScheduleState[]
  readonly workers: number
  /** Files that wait for a worker. */
  readonly backlog: number
}

export function stateOf({ pool, rules, watcher, schedule, pausedSince }: ObservedParts): ScannerState {
  const since = pausedSince()
  const watch = watcher.state
  const failed = schedule.state.find(({ last }) => last?.problem !== undefined)
  return {
    ...(since === undefined ? {} : { paused_since: since }),
    problems: {
      ...(pool.ended === undefined ? {} : { workers: pool.ended }),
      ...rules.problems(),
      ...(pool.priorityProblem === undefined ? {} : { priority: pool.priorityProblem }),
      ...(watch.problem === undefined ? {} : { watch: watch.problem }),
      ...(failed ? { schedule: `the last scan of ${failed.cron} failed: ${failed.last?.problem}` } : {}),
    },
    rules: rules.state,
    watch,
    schedules: schedule.state,
    workers: pool.options.jobs,
    backlog: pool.backlog,
  }
}

/** Tells a collector of metrics what the daemon does. */
export function measure(metrics: Metrics, parts: ObservedParts): void {
  const { pool, pace, rules, watcher } = parts
  const labels = {
    verdict: ['clean', 'suspicious', 'malicious', 'error', 'skipped'],
    priority: ['demand', 'change', 'routine'],
  }
  const judged = metrics.counter('portcullis.scanner.files', {
    description: 'Files and contents judged',
    unit: '{file}',
    labels,
  })
  const bytes = metrics.counter('portcullis.scanner.bytes', {
    description: 'Bytes judged',
    unit: 'By',
    labels: { priority: labels.priority },
  })
  pool.observe(({ verdict, size }, priority) => {
    judged({ verdict, priority })
    bytes({ priority }, size ?? 0)
  })
  const gauge = (name: string, description: string, read: () => number | undefined, unit?: string): void =>
    metrics.gauge(
      `portcullis.scanner.${name}`,
      { description, ...(unit === undefined ? {} : { unit }) },
      read,
    )
  gauge('backlog', 'Files that wait for a worker', () => pool.backlog, '{file}')
  gauge('paused', 'Whether routine work stands still', () => (pace.isPaused ? 1 : 0))
  gauge('problems', 'Problems that /health names', () => Object.keys(stateOf(parts).problems).length)
  gauge('rules', 'YARA rules in force', () => rules.state.yara.rules, '{rule}')
  gauge('signatures.age', 'Age of the installed signatures', () => rules.state.signatures?.age_days, 'd')
  gauge('watch.folders', 'Folders whose events come', () => watcher.state.folders, '{folder}')
  gauge('watch.changes', 'Changes that wait to be looked at', () => watcher.state.changes, '{file}')
  gauge('pass.duration', 'Duration of the last pass', () => watcher.state.pass.last?.seconds, 's')
  gauge('pass.files', 'Files that the last pass met', () => watcher.state.pass.last?.files, '{file}')
}
