import { execFile } from 'node:child_process'
import { setPriority } from 'node:os'
import { messageOf } from '../runtime/errors.js'

/** How far a process stands back for others. */
export interface ProcessPriority {
  /** 0 to 19; the kernel derives the priority of its disk access from it. */
  readonly nice: number
  /** Whether it reads from the disk only when nobody else does (ioprio_set(2), idle class). */
  readonly idleIo: boolean
}

/**
 * Puts a process behind others.
 * @returns what could not be done, for a person; undefined when all was
 */
export async function standBack(pid: number, { nice, idleIo }: ProcessPriority): Promise<string | undefined> {
  try {
    if (nice > 0) setPriority(pid, nice)
  } catch (error) {
    return `the priority of a worker could not be set: ${messageOf(error)}`
  }
  if (!idleIo) return undefined
  return new Promise((resolve) => {
    execFile('ionice', ['-c', '3', '-p', String(pid)], (error) =>
      resolve(error ? `ionice (util-linux) failed: ${messageOf(error)}` : undefined),
    )
  })
}
