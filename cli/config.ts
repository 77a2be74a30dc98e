import { z } from 'zod'

import { detectionConfig } from '../detectors/config.js'
import { gatewayConfig } from '../gateway/config.js'
import { agentReferences, agentsConfig, controlPlaneConfig } from '../incidents/agents/config.js'
import { alertsConfig } from '../incidents/alerts/config.js'
import { answersPolicyConfig } from '../incidents/answers/config.js'
import { incidentsConfig } from '../incidents/config.js'
import { playbookReferences, playbooksConfig } from '../incidents/playbooks/config.js'
import { trackerReferences, trackersConfig } from '../incidents/trackers/config.js'
import { ledgerConfig } from '../ledger/config.js'
import { witnessConfig } from '../ledger/witness/config.js'
import {
  dataConfig,
  logConfig,
  recordConfig,
  supervisorConfig,
  telemetryConfig,
} from '../runtime/config-sections.js'
import { outboundConfig } from '../runtime/outbound.js'
import { scannerConfig } from '../scanner/config.js'

/** The whole configuration: each folder's piece under its name. Unknown keys are refused on every level. */
export const configSchema = z
  .strictObject({
    data: dataConfig,
    log: logConfig,
    telemetry: telemetryConfig,
    supervisor: supervisorConfig,
    record: recordConfig,
    gateway: gatewayConfig.prefault({}),
    detection: detectionConfig.prefault({}),
    ledger: ledgerConfig.prefault({}),
    witness: witnessConfig.prefault({}),
    scanner: scannerConfig.prefault({}),
    incidents: incidentsConfig,
    alerts: alertsConfig,
    agents: agentsConfig,
    control_plane: controlPlaneConfig,
    trackers: trackersConfig,
    playbooks: playbooksConfig,
    answers: answersPolicyConfig,
    outbound: outboundConfig,
  })
  // What names something of another part must name something that is there.
  .superRefine((config, context) => {
    for (const { path, message } of [
      ...agentReferences(config),
      ...trackerReferences(config),
      ...playbookReferences(config),
    ])
      context.addIssue({ code: 'custom', path, message })
  })

export type Config = z.output<typeof configSchema>
