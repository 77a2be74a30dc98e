import type { PhaseReport } from '../detectors/modes.js'
import type { LogLevel } from '../runtime/log.js'
import type { TelemetryConfig } from '../runtime/config-sections.js'
import type { AnswerSnapshot } from './answers/answer.js'
import type { MalformedReport } from './malformed-reports.js'
import type { PlaneSetup } from './plane-server.js'
import type { PatchFailure } from './sites.js'
import type { WrittenRecord } from './written-record.js'

/** What a serving thread is started with. */
export interface ThreadSetup {
  readonly thread: number
  readonly plane: PlaneSetup
  readonly telemetry: TelemetryConfig
  readonly version: string
  readonly logLevel: LogLevel
}

export type ToThread =
  | { readonly type: 'close'; readonly graceMs: number }
  | { readonly type: 'metrics'; readonly id: number }
  /** So many verdicts were taken. */
  | { readonly type: 'taken'; readonly count: number }
  | { readonly type: 'answers'; readonly id: number; readonly snapshot: AnswerSnapshot }

export type FromThread =
  | {
      readonly type: 'ready'
      readonly address: { readonly host: string; readonly port: number }
      readonly limits: readonly string[]
      readonly modes: Readonly<Record<string, readonly PhaseReport[]>>
    }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'verdicts'; readonly records: readonly WrittenRecord[]; readonly lost: number }
  | { readonly type: 'malformed'; readonly report: MalformedReport }
  | { readonly type: 'metrics'; readonly id: number; readonly text: string }
  | { readonly type: 'answered'; readonly id: number; readonly failures: readonly PatchFailure[] }
  | { readonly type: 'closed' }
