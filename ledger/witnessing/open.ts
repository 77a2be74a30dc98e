import { join } from 'node:path'
import type { Logger } from '../../runtime/log.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import type { LedgerConfig } from '../config.js'
import { readWitnessPolicy } from './policy.js'
import { Witnessing } from './witnessing.js'
import type { WitnessedLog, WitnessingOptions } from './witnessing.js'

export interface OpenWitnessingOptions {
  /** The data folder. */
  readonly data: string
  readonly config: LedgerConfig
  readonly clock: { now(): number }
  readonly log: Logger
  /** Which addresses witnesses may be at; public ones when left out. */
  readonly outbound?: OutboundConfig | undefined
  readonly onAlarm?: WitnessingOptions['onAlarm']
}

/**
 * The witnessing of a log as its configuration says.
 *
 * @returns `undefined` when no witnesses are configured
 * @throws LedgerError `BAD_WITNESSES`
 */
export async function openWitnessing(
  log: WitnessedLog,
  { data, config, outbound, ...rest }: OpenWitnessingOptions,
): Promise<Witnessing | undefined> {
  if (config.witnesses === undefined) return undefined
  return Witnessing.open(log, {
    ...rest,
    folder: join(data, 'ledger'),
    config: config.witnesses,
    policy: await readWitnessPolicy(config.witnesses),
    outbound: outbound ?? { allow: [] },
  })
}
