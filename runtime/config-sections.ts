import { z } from 'zod'

import { LOG_LEVELS } from './log.js'
import { httpUrl } from './url.js'

/** `data:` in the configuration. */
export const dataConfig = z
  .string()
  .min(1)
  .default('./data')
  .describe(
    'Folder of all state: keys, ledger, outbox, vault. Made with mode 0700 when missing. Default ./data.',
  )

/** `log:` in the configuration. */
export const logConfig = z
  .strictObject({
    level: z
      .enum(LOG_LEVELS)
      .default('info')
      .describe(
        'Least level that is written, as JSON lines on standard error. `silent` writes none. Default info.',
      ),
  })
  .prefault({})
  .describe('The log of every role.')

const otlpConfig = z
  .strictObject({
    endpoint: httpUrl.describe(
      'Base URL of an OTLP/HTTP receiver; `/v1/metrics` and `/v1/traces` are appended.',
    ),
    headers: z
      .record(z.string(), z.string())
      .default({})
      .describe('Header fields sent along, e.g. an authorization. Default none.'),
    interval_seconds: z
      .number()
      .min(1)
      .max(3600)
      .default(30)
      .describe('Metrics are sent this often. Default 30.'),
    timeout_seconds: z
      .number()
      .positive()
      .max(60)
      .default(10)
      .describe(
        'Time for one export; what fails is counted and logged, never retried without end. Default 10.',
      ),
  })
  .optional()
  .describe(
    'Where metrics and traces are sent. Default: nowhere; no exporter is loaded and no span object is made.',
  )

/** `telemetry:` in the configuration. */
export const telemetryConfig = z
  .strictObject({
    trace_ratio: z
      .number()
      .min(0)
      .max(1)
      .default(0.01)
      .describe(
        'Share of traces that begin here and are sampled; a trace that a caller began follows the caller. Counts only ' +
          'with `otlp`. Verdicts other than allow always get a span. Default 0.01.',
      ),
    otlp: otlpConfig,
  })
  .prefault({})
  .describe('Metrics and traces. Metrics are always served at /metrics of the admin address.')

/** `supervisor:` in the configuration. */
export const supervisorConfig = z
  .strictObject({
    ready_seconds: z
      .number()
      .positive()
      .max(3600)
      .default(60)
      .describe('A role that does not serve after this is killed and started again. Default 60.'),
    stop_seconds: z
      .number()
      .positive()
      .max(3600)
      .default(30)
      .describe(
        'A role that has not ended this long after SIGTERM gets SIGKILL; what was in flight is lost. Default 30.',
      ),
    back_off_seconds: z
      .number()
      .positive()
      .max(60)
      .default(0.5)
      .describe(
        'Wait before a role that ended is started again; it doubles with each further end. Default 0.5.',
      ),
    max_back_off_seconds: z
      .number()
      .positive()
      .max(3600)
      .default(30)
      .describe('Longest such wait. Default 30.'),
    stable_seconds: z
      .number()
      .positive()
      .max(86_400)
      .default(60)
      .describe('After serving this long a role counts as well again and its wait starts anew. Default 60.'),
  })
  .prefault({})
  .describe('How `portcullis up` looks after its roles.')

/** `record:` in the configuration. */
export const recordConfig = z
  .strictObject({
    summary_above_per_second: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1000)
      .describe(
        'Actions per second and role that become a ledger entry each; above it they are counted exactly in a signed ' +
          'summary entry, so that an attack cannot flood the ledger. Default 1000.',
      ),
    max_delay_seconds: z
      .number()
      .min(0.001)
      .max(10)
      .default(0.2)
      .describe(
        'An action is sealed with its batch and durable at most this long after it happened. Default 0.2.',
      ),
    max_batch: z
      .int()
      .min(1)
      .max(4096)
      .default(256)
      .describe('Actions sealed by one signature. Default 256.'),
  })
  .prefault({})
  .describe('How roles record what they did in the ledger.')

export type LogConfig = z.output<typeof logConfig>
export type TelemetryConfig = z.output<typeof telemetryConfig>
export type SupervisorConfig = z.output<typeof supervisorConfig>
