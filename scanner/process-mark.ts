import { readFileSync } from 'node:fs'

/** What the kernel says of a process (proc_pid_stat(5)). */
export interface ProcessStat {
  /** Its program's name, at most 15 bytes; the program may change it. */
  readonly name: string
  /** `Z` and `X`: it has ended. */
  readonly state: string
  readonly parent: number
  /** When it started, in clock ticks since the machine did. */
  readonly start: string
}

/** @param folder `/proc/<pid>`, or an open descriptor of it. @returns undefined when there is no such process */
export function statOf(folder: string): ProcessStat | undefined {
  try {
    const stat = readFileSync(`${folder}/stat`, 'latin1')
    // The name in parentheses may hold anything, parentheses and blanks too.
    const end = stat.lastIndexOf(')')
    const fields = stat.slice(end + 2).split(' ')
    const [state = '', parent = ''] = fields
    return {
      name: stat.slice(stat.indexOf('(') + 1, end),
      state,
      parent: Number(parent),
      start: fields[19] ?? '',
    }
  } catch {
    return undefined
  }
}

/**
 * When a process started: with the process number it tells one process from a later one of the same number. Undefined when
 * there is no such process.
 */
export const startTimeOf = (pid: number): string | undefined => statOf(`/proc/${pid}`)?.start

/** A mark of this process for the names of files that it has under way. */
export const ownMark = (): string => `${process.pid}-${startTimeOf(process.pid) ?? '0'}`

/** Whether the process that made a mark still runs. */
export function isRunning(mark: string): boolean {
  const [pid, start] = mark.split('-')
  return start !== undefined && startTimeOf(Number(pid)) === start
}
