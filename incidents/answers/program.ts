import { spawn } from 'node:child_process'
import { messageOf } from '../../runtime/errors.js'
import type { Core } from '../core.js'
import type { Incident } from '../incident.js'
import type { WorkQueue } from '../work/queue.js'
import { dead, done } from '../work/work.js'
import type { Attempt, Outcome, Work } from '../work/work.js'
import { PROGRAM_WORK } from './answers.js'
import type { Answers } from './answers.js'

const LONGEST_MS = 3_700_000
/** What a program may know of our environment. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' }

/**
 * Starts the programs of `run_command`. A program may do anything, so it is started once: when a crash left open whether it
 * ran, it is not started again and the incident says so.
 */
export function registerPrograms(queue: WorkQueue, core: Core, answers: Answers): void {
  queue.register(PROGRAM_WORK, (work, attempt) => start(work, attempt, core, answers), {
    concurrency: 1,
    timeoutMs: LONGEST_MS,
    maxAttempts: 1,
  })
}

async function start(
  work: Work,
  { signal, resumed }: Attempt,
  core: Core,
  answers: Answers,
): Promise<Outcome> {
  const answer = answers.get((work.body as { readonly answer: string }).answer)
  const incident = core.store.get(work.incident)
  if (answer?.action.type !== 'run_command' || answer.state !== 'ordered' || !incident) return done()
  const refused = (reason: string): Outcome => done(() => answers.outcome(answer, 'refused', reason))
  if (resumed) return refused('it is not known whether it ran before a crash; it is not started again')
  const { command, argv } = answer.action
  const config = core.settings.answers.commands.find(({ name }) => name === command)
  // What was approved is what runs, or nothing.
  if (!config || JSON.stringify(config.run) !== JSON.stringify(argv))
    return refused(`the configuration says something else of ${command} than when it was asked for`)
  try {
    const ending = await run(argv, incident, config.timeout_seconds * 1000, signal)
    return ending === undefined ? done(() => answers.outcome(answer, 'applied', '')) : refused(ending)
  } catch (error) {
    return dead(messageOf(error), () => answers.outcome(answer, 'refused', messageOf(error)))
  }
}

/** @returns why it failed; undefined when it exited with 0 */
function run(
  [program = '', ...args]: readonly string[],
  incident: Incident,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: '/',
      env: ENVIRONMENT,
      // A group of its own, so that what it started ends with it.
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    })
    let why: string | undefined
    const kill = (reason: string): void => {
      why ??= reason
      if (child.pid !== undefined)
        try {
          process.kill(-child.pid, 'SIGKILL')
        } catch {
          // It is gone already.
        }
    }
    const aborted = (): void => kill('the role stopped while it ran')
    const timer = setTimeout(() => kill(`it took longer than ${timeoutMs / 1000} s`), timeoutMs)
    if (signal.aborted) aborted()
    signal.addEventListener('abort', aborted, { once: true })
    const settle = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
    }
    child.once('error', (error) => {
      settle()
      reject(error)
    })
    child.once('exit', (status, by) => {
      settle()
      // What it left behind in its group goes with it.
      if (why === undefined) kill('')
      if (why !== undefined && why !== '') resolve(why)
      else
        resolve(
          status === 0
            ? undefined
            : by === null
              ? `it exited with status ${status}`
              : `it was ended by ${by}`,
        )
    })
    // A program need not read what it is given.
    child.stdin.on('error', () => undefined)
    child.stdin.end(JSON.stringify(incident))
  })
}
