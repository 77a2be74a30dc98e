import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'

/** Which process this is, so that another one can later tell whether it still runs. */
export interface ProcessIdentity {
  readonly pid: number
  /** Start time of the process in clock ticks since boot; empty where the system does not tell. */
  readonly started: string
  /** Id of this boot of the machine; the host name where the system does not tell. */
  readonly boot: string
  /** The pid namespace: a pid means nothing outside it. */
  readonly namespace: string
}

/** Identity of this process. */
export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    started: startTime(process.pid) ?? '',
    boot: readText('/proc/sys/kernel/random/boot_id')?.trim() ?? hostname(),
    namespace: readNamespace() ?? hostname(),
  }
}

/**
 * Whether a process still runs. A pid that was given to another process since is told apart by its start time.
 *
 * @returns `unknown` when it ran on another boot or in another pid namespace, where its pid means nothing to us
 */
export function processState(other: ProcessIdentity, own: ProcessIdentity): 'runs' | 'gone' | 'unknown' {
  if (other.boot !== own.boot || other.namespace !== own.namespace) return 'unknown'
  if (other.started !== '') return startTime(other.pid) === other.started ? 'runs' : 'gone'
  try {
    process.kill(other.pid, 0)
    return 'runs'
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH' ? 'gone' : 'runs'
  }
}

/** Field 22 of proc(5) stat, or `undefined` when there is no such process (a zombie does not run any more). */
function startTime(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  // The command name in parentheses may hold spaces and parentheses itself: count from its end.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

function readNamespace(): string | undefined {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    return undefined
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return undefined
  }
}
