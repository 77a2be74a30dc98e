import { fork, type ChildProcess } from 'node:child_process'
import { ScanError, type ScanErrorCode } from './errors.js'
import { ProgressMark } from './progress-mark.js'
import type { Priority } from './pool.js'
import type { BlockedHashes } from './response/blocked-hash.js'
import type { FileResult } from './verdict.js'
import type { FromWorker, Judged, Loaded, ToWorker, Work, WorkerSettings } from './worker-protocol.js'

export interface Task {
  readonly work: Work
  /** What the result is called by. */
  readonly named: Pick<FileResult, 'path' | 'path_base64'>
  readonly priority: Priority
  readonly resolve: (result: FileResult) => void
}

export interface WorkerOptions {
  readonly settings: WorkerSettings
  /** Milliseconds that one file may take. */
  readonly fileTimeoutMs: number
  /** Told of each process that was started. */
  readonly started: (pid: number) => void
}

/** What a worker asks of the pool that it belongs to. */
export interface WorkSource {
  /** At most `count` tasks, oldest first; none when nothing waits. */
  take(count: number): Task[]
  /** Tasks that a process which ended had not begun. */
  giveBack(tasks: readonly Task[]): void
  /** The process ended and cannot be started again. */
  lost(error: unknown): void
}

/** Tasks that a process may hold. It is filled up again at half: it never waits, and one message carries many small files. */
const WINDOW = 64
/** Milliseconds in which a process must have loaded its rules; thousands of rules take seconds. */
const LOAD_TIMEOUT_MS = 300_000

export const failure = (named: Task['named'], rule: string, detail: string, ms = 0): FileResult => ({
  ...named,
  verdict: 'error',
  reasons: [{ engine: 'limit', rule, level: 'error', detail }],
  ms,
})

/** One worker process and the tasks that it holds, each under a deadline; a process that ends is started again. */
export class WorkerProcess {
  #child: ChildProcess | undefined
  #mark: ProgressMark | undefined
  #ready = false
  /** Takes no more work, and its process ends with what it holds. */
  #retired = false
  #stopping = false
  /** In the order in which the process works; the first `#mark - #answered` of them are begun. */
  #held: Task[] = []
  /** Answers of this process so far. */
  #answered = 0
  #timer: NodeJS.Timeout | undefined
  #deadlinePassed = false
  #settings: WorkerSettings

  constructor(
    readonly options: WorkerOptions,
    readonly source: WorkSource,
  ) {
    this.#settings = options.settings
  }

  /** @throws ScanError of what does not load, `SCAN_WORKER` when the process does not start */
  start(): Promise<Loaded> {
    return new Promise((resolve, reject) => {
      const mark = ProgressMark.create()
      const loadedWith = this.#settings.blocked
      const child = fork(new URL('./worker.js', import.meta.url), {
        serialization: 'advanced',
        stdio: ['ignore', 'inherit', 'inherit', 'ipc', mark.descriptor],
      })
      this.#child = child
      this.#mark = mark
      this.#answered = 0
      if (child.pid !== undefined) this.options.started(child.pid)
      const loading = setTimeout(() => child.kill('SIGKILL'), LOAD_TIMEOUT_MS)
      child.on('message', (message: FromWorker) => {
        if (message.type === 'judged') this.#answer(message.results)
        else {
          clearTimeout(loading)
          if (message.type === 'failed') {
            reject(new ScanError(message.code as ScanErrorCode, message.message))
            return
          }
          this.#ready = true
          // What was blocked while it loaded.
          if (this.#settings.blocked !== loadedWith) this.block(this.#settings.blocked)
          resolve(message.loaded)
          this.fill()
        }
      })
      child.on('error', (cause) =>
        reject(new ScanError('SCAN_WORKER', 'a scan worker did not start', { cause })),
      )
      child.on('exit', (code, signal) => {
        clearTimeout(loading)
        reject(new ScanError('SCAN_WORKER', `a scan worker ended while loading (${signal ?? code})`))
        this.#exited(`the worker ended (${signal ?? code})`)
      })
      this.#post({ type: 'load', settings: this.#settings })
    })
  }

  /** Blocks these digests from now on, in the process that runs and in those that come after it. */
  block(blocked: BlockedHashes): void {
    this.#settings = { ...this.#settings, blocked }
    if (this.#ready) this.#post({ type: 'block', blocked })
  }

  /** Takes more tasks when the process will soon have none. */
  fill(): void {
    if (!this.#ready || this.#retired || this.#held.length > WINDOW / 2) return
    const tasks = this.source.take(WINDOW - this.#held.length)
    if (tasks.length === 0) return
    const wasIdle = this.#held.length === 0
    this.#held.push(...tasks)
    this.#post({ type: 'judge', work: tasks.map(({ work }) => work) })
    if (wasIdle) this.#arm()
  }

  /** Ends the process as soon as it has answered what it holds. */
  retire(): void {
    this.#retired = true
    if (this.#held.length === 0) void this.stop()
  }

  /** Ends the process now. What it holds goes back to the pool, but for the file that it was at. */
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

  /** From now on the file that the process is at has the whole time. */
  #arm(): void {
    clearTimeout(this.#timer)
    if (this.#held.length === 0) return
    this.#timer = setTimeout(() => {
      this.#deadlinePassed = true
      this.#child?.kill('SIGKILL')
    }, this.options.fileTimeoutMs)
  }

  #answer(results: readonly Judged[]): void {
    this.#answered += results.length
    const tasks = this.#held.splice(0, results.length)
    this.#arm()
    this.fill()
    for (const [index, task] of tasks.entries()) {
      const result = results[index]
      if (result) task.resolve({ ...task.named, ...result })
    }
    if (this.#retired && this.#held.length === 0) void this.stop()
  }

  /** The file that the process was at is answered with an error; the others go to the next process. */
  #exited(why: string): void {
    clearTimeout(this.#timer)
    const wasReady = this.#ready
    this.#ready = false
    const begun = (this.#mark?.read() ?? 0) - this.#answered
    this.#mark?.close()
    this.#mark = undefined
    // Begun and finished files whose answers were still in the process are judged once more.
    const [current] = begun > 0 ? this.#held.splice(begun - 1, 1) : []
    if (current) {
      const limit = this.options.fileTimeoutMs
      current.resolve(
        this.#deadlinePassed
          ? failure(current.named, 'timeout', `not judged within ${limit} ms`, limit)
          : failure(current.named, 'worker_crashed', why),
      )
    }
    this.#deadlinePassed = false
    this.source.giveBack(this.#held.splice(0))
    if (this.#stopping || !wasReady) return
    if (this.#retired) return
    this.start().catch((error: unknown) => this.source.lost(error))
  }
}
