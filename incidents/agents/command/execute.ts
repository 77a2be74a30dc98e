import { spawn } from 'node:child_process'
import { chown, mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../../runtime/errors.js'
import { PROGRAM_PATH, type Confine } from './confinement.js'

/** Between SIGTERM and SIGKILL. */
const GRACE_MS = 2000
/** Of what a program writes to standard error, the end is kept for the log. */
const MAX_ERROR_BYTES = 4096
/** Names the run in the environment of its processes, so that those which left their process group are found. */
const MARK = 'PORTCULLIS_RUN'

export interface Execution {
  /** Id of the run. */
  readonly run: string
  readonly command: readonly string[]
  readonly confine: Confine
  /** Whether the working folder is `/work`, as in the sandbox. */
  readonly sandboxed: boolean
  readonly environment: Readonly<Record<string, string>>
  readonly input: string
  readonly maxOutputBytes: number
  readonly signal: AbortSignal
  /** Milliseconds. */
  readonly timeLimit: number
}

export type Ending =
  | { readonly kind: 'exited'; readonly status: number; readonly output: string; readonly error: string }
  | { readonly kind: 'timeout' | 'too_much_output' | 'stopped'; readonly error: string }
  | { readonly kind: 'not_started'; readonly error: string }

/**
 * Runs a program once, in a working folder of its own that is gone afterwards. Whatever it started ends with it. Output that is
 * too long ends it; nothing is cut and believed.
 */
export async function execute(execution: Execution): Promise<Ending> {
  const { run, confine, command, sandboxed, environment } = execution
  // Outside the data folder, which the program must not be able to enter.
  const folder = await mkdtemp(join(tmpdir(), 'portcullis-agent-'))
  try {
    const { file, args, uid, gid } = confine(command, folder)
    if (uid !== undefined && gid !== undefined) await chown(folder, uid, gid)
    const inside = sandboxed ? '/work' : folder
    return await started(execution, {
      file,
      args,
      options: {
        cwd: folder,
        env: {
          PATH: PROGRAM_PATH,
          HOME: inside,
          TMPDIR: inside,
          LANG: 'C.UTF-8',
          [MARK]: run,
          ...environment,
        },
        stdio: 'pipe',
        // Its own process group, which can be ended as one.
        detached: true,
        ...(uid === undefined ? {} : { uid, gid }),
      },
    })
  } finally {
    await endLeftovers(run)
    await rm(folder, { recursive: true, force: true })
  }
}

interface Start {
  readonly file: string
  readonly args: readonly string[]
  readonly options: Parameters<typeof spawn>[2] & { readonly stdio: 'pipe' }
}

function started(execution: Execution, { file, args, options }: Start): Promise<Ending> {
  const { signal, timeLimit, maxOutputBytes, input } = execution
  if (signal.aborted) return Promise.resolve({ kind: 'stopped', error: '' })
  return new Promise((resolve) => {
    const child = spawn(file, args, { ...options, stdio: ['pipe', 'pipe', 'pipe'] })
    const output: Buffer[] = []
    let bytes = 0
    let errors = Buffer.alloc(0)
    let cut: 'timeout' | 'too_much_output' | 'stopped' | undefined
    let kill: NodeJS.Timeout | undefined
    const end = (why: NonNullable<typeof cut>, first: NodeJS.Signals): void => {
      if (cut !== undefined) return
      cut = why
      endGroup(child.pid, first)
      kill = setTimeout(() => endGroup(child.pid, 'SIGKILL'), GRACE_MS)
    }
    const limit = setTimeout(() => end('timeout', 'SIGTERM'), timeLimit)
    const aborted = (): void => end('stopped', 'SIGKILL')
    signal.addEventListener('abort', aborted)
    child.stdout.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= maxOutputBytes) output.push(chunk)
      else end('too_much_output', 'SIGKILL')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      errors = Buffer.concat([errors, chunk]).subarray(-MAX_ERROR_BYTES)
    })
    // A program that does not read its task is no failure of ours.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input)
    let failure: string | undefined
    child.once('error', (error) => {
      failure = messageOf(error)
    })
    const finish = (ending: (error: string) => Ending): void => {
      clearTimeout(limit)
      clearTimeout(kill)
      signal.removeEventListener('abort', aborted)
      child.stdout.destroy()
      child.stderr.destroy()
      resolve(ending(errors.toString('utf8')))
    }
    child.once('exit', (status) => {
      const ended = (error: string): Ending =>
        cut === undefined
          ? { kind: 'exited', status: status ?? -1, output: Buffer.concat(output).toString('utf8'), error }
          : { kind: cut, error }
      // What it wrote last may still be in the pipes; what it left behind may hold them open, so not for long.
      const drained = setTimeout(() => finish(ended), GRACE_MS)
      child.once('close', () => {
        clearTimeout(drained)
        finish(ended)
      })
      endGroup(child.pid, 'SIGKILL')
    })
    if (child.pid === undefined)
      child.once('error', () => finish(() => ({ kind: 'not_started', error: failure ?? '' })))
  })
}

function endGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // The group is gone.
  }
}

/** Ends the processes of a run that left its group, or that outlived us. */
export async function endLeftovers(run: string): Promise<void> {
  const mark = `${MARK}=${run}`
  for (let pass = 0; pass < 10; pass++) {
    const found = await processesWith(mark)
    if (found.length === 0) return
    for (const pid of found) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It is gone, or it is not ours to end: then it never had anything of ours either.
      }
    }
  }
}

async function processesWith(mark: string): Promise<readonly number[]> {
  const names = await readdir('/proc').catch(() => [])
  const pids = names.filter((name) => /^[0-9]+$/.test(name)).map(Number)
  const marked = await Promise.all(
    pids.map(async (pid) => {
      const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
      return pid !== process.pid && environment.split('\0').includes(mark)
    }),
  )
  return pids.filter((_, at) => marked[at])
}
