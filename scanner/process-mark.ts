import { readFileSync } from 'node:fs'

/**
 * When a process started, in clock ticks since the machine did (proc_pid_stat(5), field 22): with the process number it
 * tells one process from a later one of the same number. Undefined when there is no such process.
 */
export function startTimeOf(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    // The name in parentheses may hold anything, parentheses and blanks too.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  } catch {
    return undefined
  }
}

/** A mark of this process for the names of files that it has under way. */
export const ownMark = (): string => `${process.pid}-${startTimeOf(process.pid) ?? '0'}`

/** Whether the process that made a mark still runs. */
export function isRunning(mark: string): boolean {
  const [pid, start] = mark.split('-')
  return start !== undefined && startTimeOf(Number(pid)) === start
}
