import { execFileSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { cpus } from 'node:os'

const TICKS_PER_SECOND = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** The fields of a `/proc/…/stat` line behind the name of the command, which may hold anything (proc(5)). */
const statFields = (path: string): readonly number[] => {
  const line = readFileSync(path, 'latin1')
  return line
    .slice(line.lastIndexOf(')') + 2)
    .split(' ')
    .map(Number)
}

/** Seconds of CPU that a process used by now, all its threads together (fields 14 and 15). */
const cpuSecondsOf = (pid: number): number => {
  const fields = statFields(`/proc/${pid}/stat`)
  return ((fields[11] ?? 0) + (fields[12] ?? 0)) / TICKS_PER_SECOND
}

const kibOf = (pid: number, key: 'VmRSS' | 'RssAnon' | 'RssFile'): number =>
  Number(
    new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0,
  )

const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').split(' ').filter(Boolean).map(Number),
  )

/** A process with all its descendants. */
export const processTree = (pid: number): readonly number[] => [pid, ...childrenOf(pid).flatMap(processTree)]

/** What processes used by now. */
export const cpuSeconds = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + cpuSecondsOf(pid), 0)

/** Memory that processes hold right now. */
export const rssMiB = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + kibOf(pid, 'VmRSS'), 0) / 1024

/** The part of it that is their own, and the part that is pages of files, which the kernel takes back when it needs them. */
export const memoryParts = (
  pids: readonly number[],
): { readonly ownMiB: number; readonly filesMiB: number } => {
  const sum = (key: 'RssAnon' | 'RssFile'): number =>
    pids.reduce((total, pid) => total + kibOf(pid, key), 0) / 1024
  return { ownMiB: sum('RssAnon'), filesMiB: sum('RssFile') }
}

/** CPU seconds by thread name and number. */
export const threadSeconds = (pid: number): ReadonlyMap<number, number> =>
  new Map(
    readdirSync(`/proc/${pid}/task`).map((thread) => {
      const fields = statFields(`/proc/${pid}/task/${thread}/stat`)
      return [Number(thread), ((fields[11] ?? 0) + (fields[12] ?? 0)) / TICKS_PER_SECOND]
    }),
  )

/** What this process and its ended children used by now (fields 14 to 17). */
const ownSeconds = (): number => {
  const fields = statFields('/proc/self/stat')
  return [11, 12, 13, 14].reduce((sum, index) => sum + (fields[index] ?? 0), 0) / TICKS_PER_SECOND
}

/** Seconds in which the CPUs of this machine were at work, on anything. */
const machineSeconds = (): number => {
  const times = cpus().map((cpu) => cpu.times)
  return times.reduce((sum, { user, nice, sys, irq }) => sum + user + nice + sys + irq, 0) / 1000
}

/**
 * Begins to watch the machine; the returned function says how many CPUs others than `pids` and this process, with the
 * children that ended meanwhile, kept busy since.
 */
export const watchForeignLoad = (pids: readonly number[]): (() => number) => {
  const known = (): number => cpuSeconds(pids) + ownSeconds()
  const begun = { at: performance.now(), machine: machineSeconds(), known: known() }
  return () => {
    const seconds = (performance.now() - begun.at) / 1000
    return Math.max(0, (machineSeconds() - begun.machine - (known() - begun.known)) / seconds)
  }
}
