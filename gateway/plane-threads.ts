import { Worker } from 'node:worker_threads'

import { messageOf } from '../runtime/errors.js'
import type { Logger } from '../runtime/log.js'
import { mergeExposition } from '../runtime/telemetry/merge-exposition.js'
import type { AnswerSnapshot } from './answers/answer.js'
import { NO_ANSWERS } from './answers/answer.js'
import type { RecordSink } from './data-plane.js'
import { GatewayError } from './errors.js'
import type { PlaneServer } from './plane-server.js'
import type { PatchFailure } from './sites.js'
import type { FromThread, ThreadSetup, ToThread } from './thread-messages.js'

const RESTART_MS = 1000
/** A thread that does not answer in this time has no metrics this time. */
const METRICS_MS = 2000

/** Where records of several threads come together. */
export interface ThreadSink extends RecordSink {
  /** So many verdicts were lost in a thread, which made them faster than they were taken. */
  lost(count: number): void
}

type Ready = Extract<FromThread, { type: 'ready' }>

const post = (worker: Worker, message: ToThread): void => worker.postMessage(message)

/** The serving threads of a gateway, on one port. One that ends by itself is started again. */
export class PlaneThreads implements PlaneServer {
  readonly address: PlaneServer['address']
  readonly limits: PlaneServer['limits']
  readonly modes: PlaneServer['modes']
  readonly #workers = new Map<number, Worker>()
  readonly #setups: readonly ThreadSetup[]
  readonly #sink: ThreadSink
  readonly #log: Logger
  readonly #waiting = new Map<number, (text: string) => void>()
  readonly #answering = new Map<number, (failures: readonly PatchFailure[]) => void>()
  #answers: AnswerSnapshot
  #asked = 0
  #closing = false

  private constructor(
    setups: readonly ThreadSetup[],
    ready: Ready,
    workers: readonly Worker[],
    sink: ThreadSink,
    log: Logger,
  ) {
    this.address = ready.address
    this.limits = ready.limits
    this.modes = ready.modes
    this.#setups = setups
    this.#answers = setups[0]?.plane.answers ?? NO_ANSWERS
    this.#sink = sink
    this.#log = log
    for (const [index, worker] of workers.entries()) this.#adopt(index, worker)
  }

  /** @throws GatewayError `GATEWAY_THREAD` when one of them cannot start */
  static async start(setups: readonly ThreadSetup[], sink: ThreadSink, log: Logger): Promise<PlaneThreads> {
    const workers = setups.map(spawn)
    let first: Ready | undefined
    try {
      first = (await Promise.all(workers.map(ready)))[0]
    } catch (error) {
      await Promise.all(workers.map((worker) => worker.terminate()))
      throw error
    }
    if (first === undefined) throw new GatewayError('GATEWAY_THREAD', 'there is no thread to serve')
    return new PlaneThreads(setups, first, workers, sink, log)
  }

  /** Threads that serve right now. */
  get serving(): number {
    return this.#workers.size
  }

  /** Metrics of all threads, in Prometheus' text format. */
  async expose(): Promise<string> {
    const texts = await Promise.all([...this.#workers.values()].map((worker) => this.#metricsOf(worker)))
    return mergeExposition(texts)
  }

  async answer(snapshot: AnswerSnapshot): Promise<readonly PatchFailure[]> {
    this.#answers = snapshot
    const failures = await Promise.all([...this.#workers.values()].map((worker) => this.#tellAnswers(worker)))
    return failures.flat()
  }

  async close(graceMs: number): Promise<void> {
    this.#closing = true
    await Promise.all(
      [...this.#workers.values()].map(
        (worker) =>
          new Promise<void>((resolve) => {
            const late = setTimeout(() => void worker.terminate(), graceMs + 5000)
            // Its listener may hold handles that never end by themselves.
            worker.on('message', (message: FromThread) => {
              if (message.type === 'closed') void worker.terminate()
            })
            worker.once('exit', () => {
              clearTimeout(late)
              resolve()
            })
            post(worker, { type: 'close', graceMs })
          }),
      ),
    )
  }

  #adopt(index: number, worker: Worker): void {
    this.#workers.set(index, worker)
    worker.on('message', (message: FromThread) => this.#hear(worker, message))
    worker.on('error', (error) => this.#log.error(`serving thread ${index} failed: ${messageOf(error)}`))
    worker.once('exit', (code) => {
      this.#workers.delete(index)
      if (this.#closing) return
      this.#log.error(
        { code: 'GATEWAY_THREAD', exit: code },
        `serving thread ${index} ended; it is started again`,
      )
      setTimeout(() => this.#restart(index), RESTART_MS)
    })
  }

  #hear(worker: Worker, message: FromThread): void {
    if (message.type === 'verdicts') {
      for (const written of message.records) this.#sink.verdict(written)
      if (message.lost > 0) this.#sink.lost(message.lost)
      post(worker, { type: 'taken', count: message.records.length })
    } else if (message.type === 'malformed') this.#sink.malformed(message.report)
    else if (message.type === 'metrics') {
      this.#waiting.get(message.id)?.(message.text)
      this.#waiting.delete(message.id)
    } else if (message.type === 'answered') this.#answering.get(message.id)?.(message.failures)
  }

  #restart(index: number): void {
    const setup = this.#setups[index]
    if (this.#closing || setup === undefined) return
    const answers = this.#answers
    const worker = spawn({ ...setup, plane: { ...setup.plane, answers, port: this.address.port } })
    ready(worker).then(
      () => {
        // The gateway stopped meanwhile: nobody would ever tell this one to.
        if (this.#closing) void worker.terminate()
        else {
          this.#adopt(index, worker)
          if (answers !== this.#answers) void this.#tellAnswers(worker)
        }
      },
      (error: unknown) => {
        this.#log.error(`serving thread ${index} cannot start: ${messageOf(error)}`)
        setTimeout(() => this.#restart(index), RESTART_MS)
      },
    )
  }

  /** Resolves when the thread judges by the answers that hold now, or is gone; one that starts later begins with them. */
  #tellAnswers(worker: Worker): Promise<readonly PatchFailure[]> {
    const id = ++this.#asked
    return new Promise((resolve) => {
      const settle = (failures: readonly PatchFailure[]): void => {
        worker.off('exit', gone)
        this.#answering.delete(id)
        resolve(failures)
      }
      const gone = (): void => settle([])
      worker.once('exit', gone)
      this.#answering.set(id, settle)
      post(worker, { type: 'answers', id, snapshot: this.#answers })
    })
  }

  #metricsOf(worker: Worker): Promise<string> {
    const id = ++this.#asked
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        this.#waiting.delete(id)
        resolve('')
      }, METRICS_MS)
      this.#waiting.set(id, (text) => {
        clearTimeout(late)
        resolve(text)
      })
      post(worker, { type: 'metrics', id })
    })
  }
}

const spawn = (setup: ThreadSetup): Worker =>
  new Worker(new URL('./plane-thread.js', import.meta.url), { workerData: setup })

/** Resolves when a thread listens; rejects when it says that it cannot, or ends. */
const ready = (worker: Worker): Promise<Ready> =>
  new Promise((resolve, reject) => {
    const settle = (): void => {
      worker.off('message', onMessage)
      worker.off('error', onEnd)
      worker.off('exit', onEnd)
    }
    const onMessage = (message: FromThread): void => {
      if (message.type !== 'ready' && message.type !== 'failed') return
      settle()
      if (message.type === 'ready') resolve(message)
      else {
        // Nothing keeps such a thread alive but this.
        void worker.terminate()
        reject(new GatewayError('GATEWAY_THREAD', `${message.code}: ${message.message}`))
      }
    }
    const onEnd = (problem: unknown): void => {
      settle()
      reject(
        new GatewayError('GATEWAY_THREAD', `a serving thread ended: ${messageOf(problem)}`, {
          cause: problem,
        }),
      )
    }
    worker.on('message', onMessage)
    worker.once('error', onEnd)
    worker.once('exit', onEnd)
  })
