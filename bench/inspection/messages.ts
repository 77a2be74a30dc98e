import type { PhaseName } from '../../detectors/index.js'

/** What a judging process is told to do: judge one workload with some phases until it has used so much processor time. */
export interface Order {
  readonly workload: string
  /** Undefined for all of them. */
  readonly only: readonly PhaseName[] | undefined
  readonly milliseconds: number
  /** File for a profile of this run. */
  readonly profile?: string
}

export interface Cost {
  /** Processor time of one exchange, its request and its response, in microseconds. */
  readonly microseconds: number
  readonly exchanges: number
}

export interface Ready {
  /** Milliseconds of processor time that loading and compiling all phases took. */
  readonly loading: number
}
