import { z } from 'zod'

import { detectionConfig } from '../detectors/config.js'
import { gatewayConfig } from '../gateway/config.js'
import { dataConfig, logConfig, supervisorConfig, telemetryConfig } from '../runtime/config-sections.js'
import { scannerConfig } from '../scanner/config.js'

/** The whole configuration: each folder's piece under its name. Unknown keys are refused on every level. */
export const configSchema = z.strictObject({
  data: dataConfig,
  log: logConfig,
  telemetry: telemetryConfig,
  supervisor: supervisorConfig,
  gateway: gatewayConfig.prefault({}),
  detection: detectionConfig.prefault({}),
  scanner: scannerConfig.prefault({}),
})

export type Config = z.output<typeof configSchema>
