import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const BIN = `${ROOT}bin/portcullis`

export interface Run {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
}

export interface UpOptions extends RunOptions {
  /** Instead of the flags that give it free ports. */
  readonly flags?: readonly string[]
}

const FREE_PORTS = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']

/** The environment of a user: nothing of the test runner's in it, and no configuration. */
const userEnvironment = (own: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:PORTCULLIS_|_?TAP)/.test(name))),
  ...own,
})

/** The runner puts its loader and its coverage into every Node process below it; `env` takes them out again. */
const CLEAN = ['-u', 'NODE_OPTIONS', '-u', 'NODE_V8_COVERAGE']

/** Starts a process as a user would. */
export const start = (
  command: string,
  args: readonly string[],
  { cwd, env }: RunOptions,
  stdin: 'pipe' | 'ignore' = 'ignore',
): ChildProcess =>
  spawn('env', [...CLEAN, command, ...args], {
    stdio: [stdin, 'pipe', 'pipe'],
    env: userEnvironment(env),
    ...(cwd !== undefined && { cwd }),
  })

/** A command that should have ended by then serves by mistake, or hangs. */
const LIMIT_MS = 60_000

/** Runs a command to its end. */
export const run = async (
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Run> => {
  const child = start(command, args, options, 'pipe')
  let [stdout, stderr] = ['', '']
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin?.on('error', () => undefined).end(options.input)
  const limit = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS)
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  clearTimeout(limit)
  return { code, signal, stdout, stderr }
}

/** Runs the product to its end. */
export const portcullis = (args: readonly string[], options: RunOptions = {}): Promise<Run> =>
  run(process.execPath, [BIN, ...args], options)

/** A process of the product that serves. */
export class Serving {
  stdout = ''
  stderr = ''
  readonly #changes = new Set<() => void>()
  readonly ended: Promise<Run>

  constructor(readonly child: ChildProcess) {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
      this.#changed()
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#changed()
    })
    this.ended = once(child, 'close').then(([code, signal]: unknown[]) => {
      const run = { code, signal, stdout: this.stdout, stderr: this.stderr } as Run
      this.#changed()
      return run
    })
  }

  #changed(): void {
    for (const change of this.#changes) change()
  }

  /** Resolves with the match once what the process wrote has it; rejects when it ends before. */
  async wrote(pattern: RegExp, where: 'stdout' | 'stderr' = 'stdout'): Promise<RegExpExecArray> {
    for (;;) {
      const match = pattern.exec(this[where])
      if (match) return match
      if (this.child.exitCode !== null || this.child.signalCode !== null)
        throw new Error(`it ended without ${pattern}:\n${this.stdout}\n${this.stderr}`)
      await new Promise<void>((resolve) => {
        const change = (): void => {
          this.#changes.delete(change)
          resolve()
        }
        this.#changes.add(change)
      })
    }
  }

  get pid(): number {
    return this.child.pid ?? -1
  }

  /** Where clients connect, e.g. `http://127.0.0.1:1234`. */
  get url(): string {
    return /^ {2}listens on +(\S+)$/m.exec(this.stdout)?.[1] ?? ''
  }

  /** Origin of the admin address. */
  get admin(): string {
    return /^ {2}admin +(http:\/\/[^/]+)/m.exec(this.stdout)?.[1] ?? ''
  }

  /** Pids of the role processes, by the name of the role. */
  roles(): Record<string, number> {
    return Object.fromEntries(
      childrenOf(this.pid).map(({ pid, args }) => [args[args.indexOf(BIN) + 1] ?? '', pid]),
    )
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<Run> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal)
    return this.ended
  }
}

/** Starts `portcullis up` and resolves when it has told all that it tells at a start. */
export const up = (args: readonly string[], { flags, ...options }: UpOptions = {}): Promise<Serving> =>
  serve(['up', ...(flags ?? FREE_PORTS), ...args], options)

/** Starts a command that prints the banner. */
export const serve = async (args: readonly string[], options: RunOptions = {}): Promise<Serving> => {
  const serving = new Serving(start(process.execPath, [BIN, ...args], options))
  await serving.wrote(/^ {2}phases[^]*custom_rules .*\n/m)
  if (args.includes('--demo')) await serving.wrote(/Ctrl-C .*\n/)
  return serving
}

const childrenOf = (parent: number): { readonly pid: number; readonly args: string[] }[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      try {
        // After the name of the process, which may hold spaces and brackets: its state, then its parent.
        const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
        if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) !== parent) return []
        return [{ pid: Number(name), args: readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0') }]
      } catch {
        return []
      }
    })

/** Pids of all processes below one. */
export const descendantsOf = (pid: number): number[] =>
  childrenOf(pid).flatMap((child) => [child.pid, ...descendantsOf(child.pid)])

/** Whether a process runs: a zombie does not. */
export const isRunning = (pid: number): boolean => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2))
  } catch {
    return false
  }
}

/** Asks again until there is an answer other than undefined or false; what is asked shows no event to wait for. */
export const until = async <T>(
  ask: () => T | undefined | false | Promise<T | undefined | false>,
): Promise<T> => {
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}
