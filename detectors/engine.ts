import { type DetectionConfigInput, detectionConfig } from './config.js'
import { DetectorError } from './errors.js'
import type { InspectionResult } from './inspection.js'
import { MemoryCounterStore } from './memory-counters.js'
import { type Pipeline, createPipeline } from './pipeline.js'
import type { Clock, CounterStore, GeoReader, RuleFiles } from './ports.js'
import type { HeaderList } from './request.js'

export interface EngineOptions {
  /** The `detection` section of the configuration; what is left out has its default. */
  readonly config?: DetectionConfigInput
  /** How rule packs, rule files and address lists are read. Asked while the engine is loaded, never later. */
  readonly files: RuleFiles
  /** Told about what works otherwise than its author may think. Default: nobody. */
  readonly warn?: (message: string) => void
  /** Default: the clock of the system. */
  readonly clock?: Clock
  /** Default: counters in the memory of this process. */
  readonly counters?: CounterStore
  readonly geo?: GeoReader
  /** What rules may read as `ENV:NAME`; values are byte strings. Default: nothing. */
  readonly environment?: ReadonlyMap<string, string>
  /** Folder of our own packs; default: the one of this package. */
  readonly packs?: string
}

/** A request as a library user has it. Text is byte strings (one char per byte, latin1); ASCII is the same in both. */
export interface JudgedRequest {
  readonly method: string
  /** Path and query as sent. */
  readonly target: string
  readonly headers?: HeaderList
  readonly body?: Uint8Array
  /** Client address; default `127.0.0.1`. */
  readonly address?: string
  readonly requestId?: string
}

export type EngineResult = Pick<InspectionResult, 'verdict' | 'matches'>

/** Rules and policies of one site, loaded and ready to judge requests. */
export class Engine {
  /** Judges by a pipeline that was made already. */
  constructor(readonly pipeline: Pipeline) {}

  /**
   * Loads our packs and everything that the configuration names. Throws `DetectorError` or `SecLangError` for what
   * cannot be honoured.
   */
  static load(options: EngineOptions): Engine {
    const parsed = detectionConfig.safeParse(options.config ?? {})
    if (!parsed.success) {
      const problems = parsed.error.issues.map(
        ({ path, message }) => `${['detection', ...path].join('.')}: ${message}`,
      )
      throw new DetectorError('DETECTOR_CONFIG', problems.join('; '), { cause: parsed.error })
    }
    const { files, geo, environment, packs } = options
    return new Engine(
      createPipeline(parsed.data, {
        ports: {
          clock: options.clock ?? { now: () => Date.now() },
          counters: options.counters ?? new MemoryCounterStore(),
          ...(geo === undefined ? {} : { geo }),
          ...(environment === undefined ? {} : { environment }),
        },
        files,
        warn: options.warn ?? (() => undefined),
        ...(packs === undefined ? {} : { packs }),
      }),
    )
  }

  /** Judges one request as a whole. For requests that stream, and for responses, use `pipeline.inspect`. */
  judge(request: JudgedRequest): EngineResult {
    const inspection = this.pipeline.inspect(
      {
        address: request.address ?? '127.0.0.1',
        port: 0,
        serverAddress: '127.0.0.1',
        serverPort: 80,
        tls: false,
      },
      {
        requestId: request.requestId ?? '',
        method: request.method,
        target: request.target,
        httpVersion: '1.1',
        headers: request.headers ?? [],
      },
    )
    const goesOn = (action: string): boolean => action === 'allow' || action === 'log'
    if (goesOn(inspection.client().action) && goesOn(inspection.requestHeaders().action)) {
      inspection.requestBody({ bytes: request.body ?? new Uint8Array(0), complete: true })
    }
    const { verdict, matches } = inspection.end()
    return { verdict, matches }
  }
}
