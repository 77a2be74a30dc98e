import { messageOf, codeOf } from './errors.js'
import type { Logger } from './log.js'
import { parseOrder } from './role-messages.js'
import type { RoleMessage } from './role-messages.js'

/** Why something is not ready; undefined when it is. */
export type ReadinessCheck = () => string | undefined | Promise<string | undefined>

/** What a role that serves hands back. */
export interface RunningRole {
  /** Facts for whoever started it, e.g. `{ listen: '127.0.0.1:8080' }`. JSON. */
  readonly info?: Readonly<Record<string, unknown>>
  /** Named readiness checks. */
  readonly checks?: Readonly<Record<string, ReadinessCheck>>
  /** Its metrics in Prometheus' text format. */
  readonly metrics?: () => Promise<string>
  /** Takes files anew that were moved away or changed; called on SIGHUP. A role without it stops on SIGHUP when it runs alone. */
  readonly reopen?: () => void
  /** Finishes what is in flight, then releases everything. */
  stop(): Promise<void>
}

export interface RoleOptions {
  readonly name: string
  readonly log: Logger
  /** A stop that takes longer is cut off: the process ends by SIGKILL. */
  readonly stopMs: number
  readonly start: () => Promise<RunningRole>
}

/** A failure that the supervisor was told of, so that nobody has to say it again. */
export class ReportedFailure extends Error {
  override readonly name = 'ReportedFailure'
}

/**
 * Ends this process without waiting for anything, by SIGKILL; all that was acknowledged is durable by then. `process.exit`
 * would wait for LMDB's writer thread: in the middle of a transaction that one waits for this thread, and both would stay
 * forever, with the lock that every role needs.
 */
export const endAtOnce = (): void => {
  process.kill(process.pid, 'SIGKILL')
}

/** Whether a supervisor started this process. */
export const isSupervised = (): boolean => process.send !== undefined

/**
 * Runs a role in this process until it is told to stop: by SIGTERM, by SIGINT when it runs alone (under a supervisor the
 * terminal's Ctrl-C reaches all processes at once, and the supervisor keeps the order), or by the end of its parent. A
 * second signal does not wait, unless there is a supervisor, which sets the limit. SIGHUP reopens files, or is the end of
 * the terminal that the role runs on.
 *
 * @throws what `start` or `stop` throws, {@link ReportedFailure} when a supervisor was told already; the caller ends the
 *   process with a code other than 0
 */
export const runRole = async ({ name, log, stopMs, start }: RoleOptions): Promise<void> => {
  const supervised = isSupervised()
  let reopen: (() => void) | undefined
  const stopping = stopRequest(supervised, log, () => reopen)
  const crash = (error: unknown): void => {
    log.fatal({ err: error }, 'the role fails with an error that nothing handles')
    endAtOnce()
  }
  process.on('uncaughtException', crash).on('unhandledRejection', crash)

  let role: RunningRole
  try {
    role = await start()
  } catch (error) {
    const code = codeOf(error)
    if (!send({ type: 'failed', ...(code !== undefined && { code }), message: messageOf(error) })) throw error
    throw new ReportedFailure(`${name} did not start`, { cause: error })
  }
  reopen = role.reopen
  if (supervised) process.on('message', (message) => void answer(message, role, log))
  send({ type: 'ready', info: role.info ?? {} })
  log.info({ ...role.info }, `${name} serves`)

  const reason = await stopping
  log.info({ reason }, `${name} stops`)
  const limit = setTimeout(() => {
    log.error({ stop_ms: stopMs }, `${name} did not stop in time; what was in flight is cut off`)
    endAtOnce()
  }, stopMs)
  await role.stop()
  clearTimeout(limit)
  log.info(`${name} stopped`)
  process.off('uncaughtException', crash).off('unhandledRejection', crash)
  if (process.connected) process.disconnect()
}

/** Resolves with the reason once this process is told to stop. */
const stopRequest = (
  supervised: boolean,
  log: Logger,
  reopen: () => (() => void) | undefined,
): Promise<string> =>
  new Promise((resolve) => {
    let told = false
    const stop = (reason: string): void => {
      if (told) {
        // A signal to a whole group of processes, as service managers send it, is followed by the supervisor's own.
        if (supervised) return
        log.warn({ reason }, 'told to stop twice; what was in flight is cut off')
        endAtOnce()
      }
      told = true
      resolve(reason)
    }
    process.on('SIGTERM', () => stop('SIGTERM'))
    process.on('SIGINT', () => {
      if (!supervised) stop('SIGINT')
    })
    process.on('SIGHUP', () => {
      const take = reopen()
      if (!supervised && (take === undefined || process.stdout.isTTY)) stop('SIGHUP')
      else take?.()
    })
    if (!supervised) return
    const orphaned = (): void => {
      if (!told) stop('the supervisor is gone')
    }
    if (process.connected) process.once('disconnect', orphaned)
    else orphaned()
  })

/** False when there is no supervisor to tell. */
const send = (message: RoleMessage): boolean => {
  // A parent that goes away meanwhile is noticed by `disconnect`; the message is then lost and nobody misses it.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined)
  return process.connected
}

const answer = async (message: unknown, role: RunningRole, log: Logger): Promise<void> => {
  const order = parseOrder(message)
  if (order?.type !== 'report') return
  try {
    const problems = await failingChecks(role.checks ?? {})
    const metrics = order.metrics ? await role.metrics?.() : undefined
    send({ type: 'report', id: order.id, problems, ...(metrics !== undefined && { metrics }) })
  } catch (error) {
    log.error({ err: error }, 'the state of the role could not be told')
    send({ type: 'report', id: order.id, problems: { report: messageOf(error) } })
  }
}

/** The checks that fail, with their reasons. A check that throws fails with its message. */
export const failingChecks = async (
  checks: Readonly<Record<string, ReadinessCheck>>,
): Promise<Record<string, string>> => {
  const problems: Record<string, string> = {}
  await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      try {
        const reason = await check()
        if (reason !== undefined) problems[name] = reason
      } catch (error) {
        problems[name] = messageOf(error)
      }
    }),
  )
  return problems
}
