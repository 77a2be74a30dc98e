import { constants, type BigIntStats } from 'node:fs'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { codeOf } from '../../runtime/errors.js'
import { statOf } from '../process-mark.js'

/** A file as the kernel knows it, whatever it is called. */
export type FileIdentity = Pick<BigIntStats, 'dev' | 'ino'>

/** A process that runs a file, has it open, or has mapped it. */
export interface Holder {
  readonly pid: number
  readonly start: string
  /** Of its program, for people. */
  readonly name: string
}

export interface Holders {
  readonly found: readonly Holder[]
  /** Processes that could not be looked into, for want of the right to. */
  readonly unseen: number
}

/** Milliseconds that a killed process may take to end, and between two looks. */
const END_MS = 5_000
const LOOK_MS = 20

/**
 * The processes that hold a file. Left out are those that must never be ended: process 1, we ourselves, our parents up to
 * the first, and what we have started (our workers read files).
 */
export async function holdersOf(file: FileIdentity): Promise<Holders> {
  const parents = lineOf(process.pid)
  const found: Holder[] = []
  let unseen = 0
  for (const entry of await readdir('/proc')) {
    const pid = Number(entry)
    if (!Number.isInteger(pid) || pid === 1 || parents.has(pid)) continue
    const process = statOf(`/proc/${pid}`)
    if (!process || lineOf(pid).has(globalThis.process.pid)) continue
    const holds = await holdsFile(`/proc/${pid}`, file)
    if (holds === 'unseen') unseen++
    else if (holds) found.push({ pid, start: process.start, name: process.name })
  }
  return { found, unseen }
}

/**
 * Ends a process (SIGKILL) if it is still the one that was found and still holds the file.
 *
 * Node has no pidfd_send_signal(2). The folder of the process in /proc is held open instead: it stays that of this very
 * process and answers nothing once it is gone, even when its number is given to another. Start time and file are looked up
 * through it just before the signal; only a process that ends and whose number is taken again between these two system
 * calls could be mistaken, and Linux gives numbers out in a round.
 * @returns `gone`: it had ended or let go of the file before; `survived`: it still runs, as in an uninterruptible wait
 */
export async function endHolder(
  { pid, start }: Holder,
  file: FileIdentity,
): Promise<'ended' | 'gone' | 'survived'> {
  let folder
  try {
    folder = await open(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY)
  } catch {
    return 'gone'
  }
  const held = `/proc/self/fd/${folder.fd}`
  try {
    if ((await holdsFile(held, file)) !== true || statOf(held)?.start !== start) return 'gone'
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (codeOf(error) === 'ESRCH') return 'gone'
      throw error
    }
    for (const end = performance.now() + END_MS; ;) {
      const state = statOf(held)?.state
      if (state === undefined || state === 'Z' || state === 'X') return 'ended'
      if (performance.now() > end) return 'survived'
      await pause(LOOK_MS)
    }
  } finally {
    await folder.close()
  }
}

/** A process and its parents up to the first. */
function lineOf(pid: number): ReadonlySet<number> {
  const line = new Set<number>()
  for (let next = pid; next > 0 && !line.has(next); next = statOf(`/proc/${next}`)?.parent ?? 0)
    line.add(next)
  return line
}

/** @param folder of a process in /proc */
async function holdsFile(folder: string, file: FileIdentity): Promise<boolean | 'unseen'> {
  const isFile = async (link: string): Promise<boolean> => {
    const { dev, ino } = await stat(`${folder}/${link}`, { bigint: true })
    return dev === file.dev && ino === file.ino
  }
  // What is gone by now holds nothing; a kernel thread runs no file.
  const unlessClosed =
    <Missing>(missing: Missing) =>
    (error: unknown): Missing => {
      if (codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM') throw error
      return missing
    }
  try {
    if (await isFile('exe').catch(unlessClosed(false))) return true
    for (const name of await readdir(`${folder}/fd`).catch(unlessClosed<string[]>([])))
      if (await isFile(`fd/${name}`).catch(unlessClosed(false))) return true
    const maps = await readFile(`${folder}/maps`, 'latin1').catch(unlessClosed(''))
    for (const range of rangesOf(maps, file))
      // Which file system a mapping is from is told truly by the link alone; to follow it takes a privilege.
      if (await isFile(`map_files/${range}`).catch(unlessClosed(false))) return true
    return false
  } catch {
    return 'unseen'
  }
}

/** Address ranges where a file of this number is mapped (proc_pid_maps(5)). */
const rangesOf = (maps: string, { ino }: FileIdentity): string[] =>
  maps.split('\n').flatMap((line) => {
    const [range = '', , , , inode] = line.split(/ +/, 5)
    return inode === `${ino}` ? [range] : []
  })
