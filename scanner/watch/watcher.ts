import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import { messageOf } from '../../runtime/errors.js'
import type { Findings } from '../findings.js'
import type { Journal } from '../journal.js'
import type { Pace } from '../pace.js'
import type { ScanPool } from '../pool.js'
import { walk, type Walked } from '../walk.js'
import { Changes } from './changes.js'
import { FolderEvents } from './folder-events.js'
import { IncrementalScan, type RunOptions } from './incremental-scan.js'
import { survey } from './survey.js'
import type { Folder } from './survey-protocol.js'

export interface WatcherDeps {
  readonly pool: ScanPool
  readonly journal: Journal
  readonly findings: Findings
  readonly pace: Pace
  /** `<data>/scanner`. */
  readonly folder: string
  /** Our own state, which changes by being watched. */
  readonly except: Buffer
  readonly watch: readonly string[]
  readonly intervalMs: number
  /** Of the rules, as it is now. */
  readonly version: () => string
  readonly log: Logger
}

/** What is known of the watching, for health and status. */
export interface WatchState {
  readonly watch: readonly string[]
  /** Folders whose events come. */
  readonly folders: number
  /** Changes that wait to be looked at. */
  readonly changes: number
  /** Why events may be missing; the passes find what they do not tell. */
  readonly problem?: string
  readonly pass: {
    readonly running: boolean
    /** Files seen by the pass that runs, or by the last one. */
    readonly files: number
    /** Where a pass that runs is. */
    readonly at?: string
    readonly last?: { readonly ended: number; readonly seconds: number; readonly files: number }
  }
}

const TICK_MS = 100
/** Changes are taken together every moment; so many such batches may be under way. */
const MOST_BATCHES = 4
/** Pause between passes where events are missing, in milliseconds. */
const WITHOUT_EVENTS_MS = 10_000
const PRUNE_EVERY_MS = 24 * 3600 * 1000
/** A pass that has seen nothing new for so long stands still. */
const STILL_MS = 60_000

/**
 * Watches folders: events of the system tell what changes at once, and passes over everything find what they did not tell: what
 * happened while nobody listened, what was lost in a storm, what a file system does not tell.
 */
export class Watcher {
  readonly #changes = new Changes()
  readonly #events: FolderEvents
  readonly #scan: IncrementalScan
  readonly #stop = new AbortController()
  readonly #starts: readonly Buffer[]
  #running: Promise<unknown> = Promise.resolve()
  #wantsPass = new AbortController()
  #pass: { readonly started: number; files: number; at: Buffer; moved: number } | undefined
  #last: WatchState['pass']['last']
  #failed: string | undefined
  #pruned = -Infinity

  constructor(readonly deps: WatcherDeps) {
    this.#starts = deps.watch.map((path) => Buffer.from(resolve(path)))
    this.#events = new FolderEvents(
      (path) => this.#changed(path),
      () => {
        deps.log.warn('events of the watched folders may have been lost, a pass over everything follows')
        this.requestPass()
      },
    )
    this.#scan = new IncrementalScan({
      ...deps,
      signal: this.#stop.signal,
      again: (path) => this.#changed(path),
      judged: (path, ms) => {
        const now = performance.now()
        this.#changes.judged(path, ms, now)
        if (this.#pass) this.#pass.moved = now
      },
    })
  }

  start(): void {
    if (this.#starts.length > 0) this.#running = Promise.all([this.#passes(), this.#handleChanges()])
  }

  get state(): WatchState {
    const pass = this.#pass
    const stands = pass && performance.now() - pass.moved > STILL_MS && !this.deps.pace.isPaused
    const problem =
      (stands ? `the pass stands still at ${pass.at.toString()}` : this.#failed) ?? this.#events.problem
    return {
      watch: this.deps.watch,
      folders: this.#events.size,
      changes: this.#changes.size,
      ...(problem === undefined ? {} : { problem }),
      pass: {
        running: pass !== undefined,
        files: pass?.files ?? this.#last?.files ?? 0,
        ...(pass ? { at: pass.at.toString() } : {}),
        ...(this.#last ? { last: this.#last } : {}),
      },
    }
  }

  /** Has everything looked at as soon as the pass under way, if there is one, has ended. */
  requestPass(): void {
    this.#wantsPass.abort()
  }

  /**
   * Judges what is below paths and has changed, or everything; for scans by a schedule.
   * @throws ScanError `SCAN_SURVEY`
   */
  async scan(paths: readonly string[], options: Pick<RunOptions, 'all'>): Promise<void> {
    await this.#run(
      paths.map((path) => Buffer.from(resolve(path))),
      { priority: 'routine', ...options },
    )
  }

  async close(): Promise<void> {
    this.#stop.abort()
    this.#events.close()
    await this.#running
  }

  #changed(path: Buffer): void {
    if (isBelow(path, this.deps.except) || this.#changes.add(path, performance.now())) return
    this.deps.log.warn('too many files change at once, a pass over everything follows')
    this.requestPass()
  }

  async #passes(): Promise<void> {
    const { signal } = this.#stop
    const { findings, journal, log, intervalMs, pace } = this.deps
    while (!signal.aborted) {
      await pace.ready(signal)
      if (signal.aborted) return
      this.#wantsPass = new AbortController()
      const started = performance.now()
      this.#pass = { started, files: 0, at: Buffer.alloc(0), moved: started }
      try {
        let isNew = false
        await findings.during(async () => {
          isNew = await this.#passOver()
        })
        await journal.flush()
        this.#failed = undefined
        this.#last = {
          ended: Date.now(),
          seconds: (performance.now() - started) / 1000,
          files: this.#pass.files,
        }
        // What happened in a folder between the look into it and the first event from it is not known.
        if (isNew) this.requestPass()
      } catch (error) {
        this.#failed = `the last pass failed: ${messageOf(error)}`
        log.error({ err: error }, `a pass over the watched folders failed: ${messageOf(error)}`)
      } finally {
        this.#pass = undefined
      }
      const wait = this.#events.problem === undefined ? intervalMs : Math.min(intervalMs, WITHOUT_EVENTS_MS)
      await pause(wait, undefined, { signal: AbortSignal.any([signal, this.#wantsPass.signal]) }).catch(
        () => undefined,
      )
    }
  }

  /** @returns whether there were folders whose events did not come before */
  async #passOver(): Promise<boolean> {
    let isNew = false
    const prune = performance.now() - this.#pruned > PRUNE_EVERY_MS
    this.#events.beginRound()
    await this.#run(
      this.#starts,
      { priority: 'routine', isStart: (path) => this.#starts.some((start) => start.equals(path)) },
      {
        prune,
        onFolders: (folders) => {
          for (const folder of folders) if (this.#events.add(folder)) isNew = true
        },
        onProgress: (files, at) => {
          if (this.#pass) Object.assign(this.#pass, { files, at, moved: performance.now() })
        },
      },
    )
    if (this.#stop.signal.aborted) return false
    this.#events.endRound()
    if (prune) this.#pruned = performance.now()
    return isNew
  }

  async #run(
    starts: readonly Buffer[],
    options: RunOptions,
    {
      prune = false,
      onFolders = () => undefined,
      onProgress = () => undefined,
    }: {
      readonly prune?: boolean
      readonly onFolders?: (folders: readonly Folder[]) => void
      readonly onProgress?: (files: number, at: Buffer) => void
    } = {},
  ): Promise<void> {
    const { journal, folder, except, version } = this.deps
    const walked = survey({
      starts,
      except,
      journal: folder,
      version: version(),
      all: options.all === true,
      prune,
      signal: this.#stop.signal,
      onFolders,
      onGone: (path) => journal.forget(path),
      onProgress,
    })
    await this.#scan.run(walked, options)
  }

  async #handleChanges(): Promise<void> {
    const { signal } = this.#stop
    const { log, pace } = this.deps
    // A large folder that was moved here must not keep the next change waiting.
    const open = new Set<Promise<void>>()
    while (!signal.aborted) {
      await pause(TICK_MS, undefined, { signal }).catch(() => undefined)
      const due =
        this.#changes.size === 0 || open.size >= MOST_BATCHES ? [] : this.#changes.take(performance.now())
      if (due.length === 0) continue
      await pace.ready(signal)
      const batch: Promise<void> = this.#scan
        .run(this.#walkAll(due), { priority: 'change' })
        .catch((error: unknown) => {
          log.error({ err: error }, 'changed files could not be judged, the next pass tries again')
        })
        .finally(() => open.delete(batch))
      open.add(batch)
    }
    await Promise.all(open)
  }

  /** What has changed: files, and folders that were made or moved here with all that is in them. */
  async *#walkAll(paths: readonly Buffer[]): AsyncGenerator<Walked> {
    const { except } = this.deps
    for (const path of paths)
      yield* walk(path, {
        exclude: (below) => isBelow(Buffer.from(below), except),
        onFolder: (folder, { dev, ino }) => {
          this.#events.add({ path: folder, identity: `${dev}:${ino}` })
        },
      })
  }
}

const isBelow = (path: Buffer, folder: Buffer): boolean =>
  path.subarray(0, folder.length).equals(folder) &&
  (path.length === folder.length || path[folder.length] === 0x2f)
