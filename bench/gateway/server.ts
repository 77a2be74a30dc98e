import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync, closeSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

/** The server under measurement has this CPU to itself; load, upstream and everything else have the other. */
export const SERVER_CPU = '1'
export const LOAD_CPU = '0'

/** One server that is measured. */
export interface Server {
  /** Its row in the table. */
  readonly name: string
  readonly port: number
  /** The status that an attack has to get; undefined where it depends on the attack, which is then not measured. */
  readonly attackStatus: 200 | 403 | undefined
  /** From its start to the first request that it could answer. */
  readonly startSeconds: number
  /** The processes whose CPU time and memory count as the server's. */
  readonly pids: readonly number[]
  /** Throws when the server has lost something that it should have kept. */
  assertHealthy(): Promise<void>
  stop(): Promise<void>
}

/** A started program; what it says goes to a file, so that no reader of ours takes time from it. */
export class Program {
  readonly pid: number
  readonly #child: ChildProcess
  readonly #output: string

  constructor(command: readonly string[], cpus: string, output: string, env: NodeJS.ProcessEnv = {}) {
    const descriptor = openSync(output, 'a', 0o600)
    this.#child = spawn('taskset', ['-c', cpus, ...command], {
      stdio: ['ignore', descriptor, descriptor, 'ipc'],
      env: { ...process.env, ...env },
    })
    closeSync(descriptor)
    this.#output = output
    this.#child.on('error', () => undefined)
    const { pid } = this.#child
    if (pid === undefined) throw new Error('taskset cannot be started (Debian package util-linux)')
    this.pid = pid
  }

  get said(): string {
    return readFileSync(this.#output, 'utf8')
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null
  }

  /** The first message that `take` accepts. Rejects when the program ends before it. */
  answer<T>(take: (message: unknown) => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: unknown): void => {
        const taken = take(message)
        if (taken === undefined) return
        this.#child.off('message', onMessage).off('exit', onExit)
        resolve(taken)
      }
      const onExit = (): void => {
        this.#child.off('message', onMessage)
        reject(this.#failure())
      }
      this.#child.on('message', onMessage)
      if (this.running) this.#child.once('exit', onExit)
      else onExit()
    })
  }

  tell(message: object | string): void {
    this.#child.send(message)
  }

  /** Resolves when it has ended by itself. */
  async ended(): Promise<void> {
    if (this.running) await once(this.#child, 'exit')
  }

  assertRunning(): void {
    if (!this.running) throw this.#failure()
  }

  async stop(): Promise<void> {
    if (!this.running) return
    const gone = once(this.#child, 'exit')
    this.#child.kill('SIGTERM')
    await gone
  }

  #failure(): Error {
    return new Error(`${this.#child.spawnargs.slice(3).join(' ')} ended:\n${this.said.slice(-2000)}`)
  }
}

export const freePort = async (): Promise<number> => {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
