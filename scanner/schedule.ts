import { Cron } from 'croner'
import { z } from 'zod'
import type { Logger } from 'pino'
import { messageOf } from '../runtime/errors.js'

/** Why an expression or time zone is none; undefined when it is one. */
function problemOf(cron: string, timezone?: string): string | undefined {
  if (cron.trim().split(/\s+/).length > 6) return 'has more than six fields'
  try {
    new Cron(cron, { paused: true, ...(timezone === undefined ? {} : { timezone }) }).nextRun()
    return undefined
  } catch (error) {
    return messageOf(error)
  }
}

/** An item of `scanner: schedules:` in the configuration. */
export const scheduledScan = z.strictObject({
  cron: z
    .string()
    .max(200)
    .superRefine((cron, context) => {
      const problem = problemOf(cron)
      if (problem !== undefined)
        context.addIssue({ code: 'custom', message: `is no cron expression: ${problem}` })
    })
    .describe(
      'When: minute, hour, day of the month, month, day of the week, e.g. `0 3 * * *`; six fields begin with seconds.',
    ),
  time_zone: z
    .string()
    .max(100)
    .refine((zone) => problemOf('* * * * *', zone) === undefined, 'is no time zone such as Europe/Berlin')
    .optional()
    .describe('Time zone of `cron`, e.g. Europe/Berlin. Default: the one of the machine.'),
  paths: z.array(z.string().min(1)).min(1).max(1000).describe('Folders and files.'),
  read: z
    .enum(['changed', 'all'])
    .default('changed')
    .describe(
      '`changed` passes over what was judged by the same rules and looks the same; `all` reads everything. Default changed.',
    ),
})

export type ScheduledScan = z.output<typeof scheduledScan>

export interface ScheduleState {
  readonly cron: string
  readonly paths: readonly string[]
  readonly running: boolean
  /** Milliseconds since the epoch. */
  readonly next?: number
  readonly last?: { readonly started: number; readonly seconds: number; readonly problem?: string }
}

interface Entry {
  readonly scan: ScheduledScan
  readonly job: Cron
  last?: ScheduleState['last']
}

/**
 * Scans at set times. One whose time comes while its last run still goes on is left out, and so is one whose time passed
 * while the daemon was down; the first is logged.
 */
export class Schedule {
  readonly #jobs: Entry[] = []
  readonly #open = new Set<Promise<void>>()

  constructor(
    scans: readonly ScheduledScan[],
    readonly run: (scan: ScheduledScan) => Promise<void>,
    readonly log: Logger,
  ) {
    for (const scan of scans) {
      const entry: Entry = {
        scan,
        job: new Cron(
          scan.cron,
          {
            ...(scan.time_zone === undefined ? {} : { timezone: scan.time_zone }),
            protect: () =>
              log.warn({ cron: scan.cron }, 'a scheduled scan is left out, the one before still runs'),
          },
          async () => {
            const running: Promise<void> = this.#scan(scan).then((last) => {
              entry.last = last
            })
            this.#open.add(running)
            await running
            this.#open.delete(running)
          },
        ),
      }
      this.#jobs.push(entry)
    }
  }

  get state(): ScheduleState[] {
    return this.#jobs.map(({ scan, job, last }) => {
      const next = job.nextRun()?.getTime()
      return {
        cron: scan.cron,
        paths: scan.paths,
        running: job.isBusy(),
        ...(next === undefined ? {} : { next }),
        ...(last === undefined ? {} : { last }),
      }
    })
  }

  /** Starts no more scans, and resolves when none runs; who runs them ends them. */
  async close(): Promise<void> {
    for (const { job } of this.#jobs) job.stop()
    await Promise.all(this.#open)
  }

  async #scan(scan: ScheduledScan): Promise<NonNullable<ScheduleState['last']>> {
    const started = Date.now()
    this.log.info({ cron: scan.cron, paths: scan.paths }, 'a scheduled scan begins')
    const over = (): { started: number; seconds: number } => ({
      started,
      seconds: (Date.now() - started) / 1000,
    })
    try {
      await this.run(scan)
      this.log.info({ cron: scan.cron, ...over() }, 'a scheduled scan has ended')
      return over()
    } catch (error) {
      this.log.error({ err: error, cron: scan.cron }, 'a scheduled scan failed')
      return { ...over(), problem: messageOf(error) }
    }
  }
}
