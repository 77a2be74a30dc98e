import { fork, type ChildProcess } from 'node:child_process'
import { messageOf } from '../runtime/errors.js'
import { ScanError, type ScanErrorCode } from './errors.js'
import { describePath, type FileResult } from './verdict.js'
import type { FromWorker, ToWorker, WorkerSettings } from './worker-protocol.js'

export interface PoolOptions extends WorkerSettings {
  /** Worker processes. */
  readonly jobs: number
  /** Milliseconds that one file may take; then its worker is killed and the file's verdict is `error`. */
  readonly fileTimeoutMs: number
}

interface Task {
  readonly id: number
  readonly path: Buffer
  readonly resolve: (result: FileResult) => void
}

/** Files sent ahead to each worker, so that it never waits for the pool between two small files. */
const WINDOW = 8

/** A pool of worker processes that judge files, each file under a deadline. */
export class ScanPool {
  readonly #workers: Worker[]
  readonly #waiting: Task[] = []
  #next = 0
  /** Why no more files are judged; undefined while they are. */
  #ended: { readonly rule: string; readonly detail: string } | undefined

  private constructor(readonly options: PoolOptions) {
    let left = options.jobs
    const lost = (detail: string): void => {
      left--
      if (left === 0) this.#end('worker_lost', detail)
      // What it gave back must not wait until another worker happens to finish something.
      else for (const worker of this.#workers) worker.fill()
    }
    this.#workers = Array.from({ length: options.jobs }, () => new Worker(options, this.#waiting, lost))
  }

  /**
   * Starts the workers and loads lists and rules into each.
   * @throws ScanError of the list or rule that does not load, `SCAN_WORKER` when a process does not start
   */
  static async start(options: PoolOptions): Promise<ScanPool> {
    const pool = new ScanPool(options)
    try {
      await Promise.all(pool.#workers.map((worker) => worker.start()))
    } catch (error) {
      await pool.close()
      throw error
    }
    return pool
  }

  /** Tasks given and not yet answered. A caller that walks a large tree waits while this is high. */
  get backlog(): number {
    return this.#waiting.length
  }

  /** Judges one file; always resolves, since a failure is a verdict of its own. */
  judge(path: Buffer): Promise<FileResult> {
    if (this.#ended) return Promise.resolve(failure(path, this.#ended.rule, this.#ended.detail))
    return new Promise((resolve) => {
      this.#waiting.push({ id: this.#next++, path, resolve })
      for (const worker of this.#workers) worker.fill()
    })
  }

  /** Ends the workers. Files under way get the verdict `error`. */
  async close(): Promise<void> {
    this.#end('pool_closed', 'the scanner is stopping')
    await Promise.all(this.#workers.map((worker) => worker.stop()))
    // Tasks that a stopped worker gave back.
    this.#end('pool_closed', 'the scanner is stopping')
  }

  /** Nothing may wait for ever: every file that would is told why. */
  #end(rule: string, detail: string): void {
    this.#ended = { rule, detail }
    for (const task of this.#waiting.splice(0)) task.resolve(failure(task.path, rule, detail))
  }
}

const failure = (path: Buffer, rule: string, detail: string, ms = 0): FileResult => ({
  ...describePath(path),
  verdict: 'error',
  reasons: [{ engine: 'limit', rule, level: 'error', detail }],
  ms,
})

class Worker {
  #child: ChildProcess | undefined
  #ready = false
  #stopping = false
  /** Under way, in the order in which the process judges them: the deadline is always the first one's. */
  #sent: Task[] = []
  #timer: NodeJS.Timeout | undefined
  #deadlinePassed = false

  constructor(
    readonly options: PoolOptions,
    readonly waiting: Task[],
    /** Told when the process can no longer be started. */
    readonly lost: (detail: string) => void,
  ) {}

  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const child = fork(new URL('./worker.js', import.meta.url), { serialization: 'advanced' })
      this.#child = child
      child.on('message', (message: FromWorker) => {
        if (message.type === 'ready') {
          this.#ready = true
          resolve()
          this.fill()
        } else if (message.type === 'failed') {
          reject(new ScanError(message.code as ScanErrorCode, message.message))
        } else this.#answer(message.id, message.result)
      })
      child.on('error', (cause) =>
        reject(new ScanError('SCAN_WORKER', 'a scan worker did not start', { cause })),
      )
      child.on('exit', (code, signal) => {
        reject(new ScanError('SCAN_WORKER', `a scan worker ended while loading (${signal ?? code})`))
        this.#exited(`the worker ended (${signal ?? code})`)
      })
      const { hashLists, yaraFiles, maxFileSize } = this.options
      this.#post({ type: 'load', settings: { hashLists, yaraFiles, maxFileSize } })
    })
  }

  fill(): void {
    if (!this.#ready) return
    while (this.#sent.length < WINDOW) {
      const task = this.waiting.shift()
      if (!task) return
      this.#sent.push(task)
      this.#post({ type: 'judge', id: task.id, path: task.path })
      if (this.#sent.length === 1) this.#arm()
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#ready = false
    clearTimeout(this.#timer)
    const child = this.#child
    if (child?.exitCode !== null || child.signalCode !== null) return
    const gone = new Promise<void>((resolve) => {
      child.once('exit', () => resolve())
    })
    // SIGKILL, since a native scan under way answers nothing else and the process holds no state.
    child.kill('SIGKILL')
    await gone
  }

  #post(message: ToWorker): void {
    // A send that fails is followed by the exit event, which answers for every task.
    this.#child?.send(message, () => undefined)
  }

  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#sent.length === 0) return
    this.#timer = setTimeout(() => {
      this.#deadlinePassed = true
      this.#child?.kill('SIGKILL')
    }, this.options.fileTimeoutMs)
  }

  #answer(id: number, result: FileResult): void {
    const index = this.#sent.findIndex((task) => task.id === id)
    const [task] = index < 0 ? [] : this.#sent.splice(index, 1)
    task?.resolve(result)
    this.#arm()
    this.fill()
  }

  /** The file that the process was at is answered with an error; those behind it go to the next process. */
  #exited(why: string): void {
    clearTimeout(this.#timer)
    const wasReady = this.#ready
    this.#ready = false
    const [current, ...rest] = this.#sent
    this.#sent = []
    if (current) {
      const limit = this.options.fileTimeoutMs
      current.resolve(
        this.#deadlinePassed
          ? failure(current.path, 'timeout', `not judged within ${limit} ms`, limit)
          : failure(current.path, 'worker_crashed', why),
      )
    }
    this.#deadlinePassed = false
    this.waiting.unshift(...rest)
    if (this.#stopping || !wasReady) return
    this.start().catch((error: unknown) => this.lost(messageOf(error)))
  }
}
