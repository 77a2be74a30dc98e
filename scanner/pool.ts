import { messageOf } from '../runtime/errors.js'
import { prepareHashes, type PreparedHashes } from './hashes/prepare.js'
import { standBack, type ProcessPriority } from './process-priority.js'
import type { BlockedHashes } from './response/blocked-hash.js'
import { discard, spool, type Source, type Spooled } from './spool.js'
import { describePath, type FileResult, type Reason } from './verdict.js'
import { failure, WorkerProcess, type Task, type WorkSource } from './worker-process.js'
import type { Loaded, WorkerSettings } from './worker-protocol.js'

export interface PoolOptions extends Omit<WorkerSettings, 'hashDatabases'> {
  /** Databases and text lists. */
  readonly hashLists: readonly string[]
  readonly allowLists: readonly string[]
  /** Worker processes. */
  readonly jobs: number
  /** Milliseconds that one file may take; then its worker is killed and the file's verdict is `error`. */
  readonly fileTimeoutMs: number
  /** Of the worker processes; default that of this process. */
  readonly processPriority?: ProcessPriority
}

/** What goes first: an answer that somebody waits for, then what has just changed, then what is looked at anyway. */
const PRIORITIES = ['demand', 'change', 'routine'] as const
export type Priority = (typeof PRIORITIES)[number]

export interface JudgeOptions {
  /** Default `routine`. */
  readonly priority?: Priority
}

/** A pool of worker processes that judge files, each file under a deadline. */
export class ScanPool {
  #options: PoolOptions
  #workers: WorkerProcess[]
  #loaded: Loaded | undefined
  readonly #waiting: { readonly [priority in Priority]: Task[] } = { demand: [], change: [], routine: [] }
  #isHanding = false
  /** Why no more files are judged; undefined while they are. */
  #ended: { readonly rule: string; readonly detail: string } | undefined
  #remarks: readonly Reason[] = []
  #priorityProblem: string | undefined
  readonly #observers: ((result: FileResult, priority: Priority) => void)[] = []

  #hashes: PreparedHashes

  private constructor(options: PoolOptions) {
    this.#options = options
    this.#hashes = prepare(options)
    this.#workers = this.#newWorkers(options, this.#hashes)
  }

  /**
   * Starts the workers and loads lists and rules into each.
   * @throws ScanError of the list or rule that does not load, `SCAN_WORKER` when a process does not start
   */
  static async start(options: PoolOptions): Promise<ScanPool> {
    const pool = new ScanPool(options)
    try {
      pool.#loaded = await startAll(pool.#workers)
    } catch (error) {
      await pool.close()
      throw error
    }
    return pool
  }

  get options(): PoolOptions {
    return this.#options
  }

  /** What its workers judge by, and what could not be loaded. */
  get loaded(): Loaded | undefined {
    return this.#loaded
  }

  /** Tasks that wait for a worker. */
  get backlog(): number {
    return PRIORITIES.reduce((sum, priority) => sum + this.#waiting[priority].length, 0)
  }

  /** Why nothing is judged any more; undefined while something is. */
  get ended(): string | undefined {
    return this.#ended?.detail
  }

  /** Why the workers do not stand back as they should; undefined when they do. */
  get priorityProblem(): string | undefined {
    return this.#priorityProblem
  }

  /** From now on every verdict on a content carries these notes. */
  setRemarks(remarks: readonly Reason[]): void {
    this.#remarks = remarks
  }

  /** Calls for each result, before whoever asked for it has it. */
  observe(observer: (result: FileResult, priority: Priority) => void): void {
    this.#observers.push(observer)
  }

  /** Judges one file; always resolves, since a failure is a verdict of its own. */
  judge(path: Buffer, options: JudgeOptions = {}): Promise<FileResult> {
    return this.#add({ path }, describePath(path), options)
  }

  /**
   * Judges a content that is no file of its own: what came over a connection or standard input.
   * @param name what the result is called by; never a path to open
   * @throws what the stream throws; a content over the limit of file sizes is a result (`skipped`, too_large)
   */
  async judgeContent(content: Source, name: string, options: JudgeOptions = {}): Promise<FileResult> {
    const spooled = await spool(content, this.#options.maxFileSize)
    try {
      return await this.judgeSpooled(spooled, name, options)
    } finally {
      await discard(spooled)
    }
  }

  /** As {@link judgeContent} for a content that was taken in already; it stays the caller's to discard. */
  async judgeSpooled(spooled: Spooled, name: string, options: JudgeOptions = {}): Promise<FileResult> {
    if (spooled.kind === 'memory')
      return this.#add({ content: spooled.content, name }, { path: name }, options)
    if (spooled.kind === 'file')
      return this.#add({ path: Buffer.from(spooled.path) }, { path: name }, options)
    const detail = `more than the limit of ${spooled.limit} bytes`
    return {
      path: name,
      verdict: 'skipped',
      reasons: [{ engine: 'limit', rule: 'too_large', level: 'skipped', detail }],
      ms: 0,
    }
  }

  /**
   * Starts new workers with other settings and lets the old ones finish what they hold. What is blocked stays blocked.
   * @throws ScanError as {@link ScanPool.start}; the old workers then go on as before
   */
  async reload(settings: PoolOptions): Promise<void> {
    const options = { ...settings, blocked: this.#options.blocked }
    const hashes = prepare(options)
    const workers = this.#newWorkers(options, hashes)
    let loaded
    try {
      loaded = await startAll(workers)
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.stop()))
      hashes.remove()
      throw error
    }
    // The old workers have their lists open and are not started again.
    this.#hashes.remove()
    this.#hashes = hashes
    const old = this.#workers
    this.#workers = workers
    const { blocked } = this.#options
    this.#options = options
    // What was blocked while they loaded.
    if (blocked !== options.blocked) this.block(blocked)
    this.#loaded = loaded
    for (const worker of old) worker.retire()
    this.#hand()
  }

  /** Blocks these digests, and no others, from now on. */
  block(blocked: BlockedHashes): void {
    this.#options = { ...this.#options, blocked }
    for (const worker of this.#workers) worker.block(blocked)
  }

  /** Ends the workers. Files under way get the verdict `error`. */
  async close(): Promise<void> {
    this.#end('pool_closed', 'the scanner is stopping')
    await Promise.all(this.#workers.map((worker) => worker.stop()))
    // Tasks that a stopped worker gave back.
    this.#end('pool_closed', 'the scanner is stopping')
    this.#hashes.remove()
  }

  #newWorkers(options: PoolOptions, { databases }: PreparedHashes): WorkerProcess[] {
    const { jobs, fileTimeoutMs, processPriority, hashLists: _, allowLists: __, ...rest } = options
    const settings = { ...rest, hashDatabases: databases }
    let left = jobs
    const source: WorkSource = {
      take: (count) => this.#take(count),
      giveBack: (tasks) => {
        for (const task of tasks.toReversed()) this.#waiting[task.priority].unshift(task)
        if (this.#ended) this.#end(this.#ended.rule, this.#ended.detail)
        else this.#hand()
      },
      lost: (error) => {
        if (--left === 0) this.#end('worker_lost', messageOf(error))
      },
    }
    const started = (pid: number): void => {
      if (!processPriority) return
      void standBack(pid, processPriority).then((problem) => {
        this.#priorityProblem = problem
      })
    }
    return Array.from({ length: jobs }, () => new WorkerProcess({ settings, fileTimeoutMs, started }, source))
  }

  #add(
    work: Task['work'],
    named: Task['named'],
    { priority = 'routine' }: JudgeOptions,
  ): Promise<FileResult> {
    if (this.#ended) return Promise.resolve(failure(named, this.#ended.rule, this.#ended.detail))
    return new Promise((resolve) => {
      const answer = (judged: FileResult): void => {
        const result =
          this.#remarks.length === 0 || judged.sha256 === undefined
            ? judged
            : { ...judged, reasons: [...judged.reasons, ...this.#remarks] }
        for (const observer of this.#observers) observer(result, priority)
        resolve(result)
      }
      this.#waiting[priority].push({ work, named, priority, resolve: answer })
      this.#hand()
    })
  }

  /** Hands out what waits once the caller has given all that it gives now, so that one message carries many files. */
  #hand(): void {
    if (this.#isHanding) return
    this.#isHanding = true
    setImmediate(() => {
      this.#isHanding = false
      for (const worker of this.#workers) worker.fill()
    })
  }

  /** No worker takes more than its share while another might have none. */
  #take(count: number): Task[] {
    const share = Math.min(count, Math.ceil(this.backlog / this.#workers.length))
    const taken: Task[] = []
    for (const priority of PRIORITIES) taken.push(...this.#waiting[priority].splice(0, share - taken.length))
    return taken
  }

  /** Nothing may wait for ever: every file that would is told why. */
  #end(rule: string, detail: string): void {
    this.#ended = { rule, detail }
    for (const task of PRIORITIES.flatMap((priority) => this.#waiting[priority].splice(0)))
      task.resolve(failure(task.named, rule, detail))
  }
}

const prepare = ({ hashLists, allowLists }: PoolOptions): PreparedHashes =>
  prepareHashes({ malicious: hashLists, allowed: allowLists })

const startAll = async (workers: readonly WorkerProcess[]): Promise<Loaded | undefined> => {
  const [loaded] = await Promise.all(workers.map((worker) => worker.start()))
  return loaded
}
