import { resolve } from 'node:path'
import { z } from 'zod'

import { PHASE_NAMES } from '../detectors/verdict.js'
import { version } from './run.js'

/** What the gateway tells when it serves; it crosses processes as JSON. */
export const gatewayInfo = z.object({
  host: z.string(),
  port: z.int(),
  tls: z.boolean(),
  listener: z.string(),
  /** Why this listener; a sentence. */
  why: z.string(),
  /** What it cannot deliver. */
  limits: z.array(z.string()),
  threads: z.int(),
  upstreams: z.array(z.string()),
  /** The mode of each phase, by site. */
  phases: z.record(
    z.string(),
    z.array(z.object({ phase: z.enum(PHASE_NAMES), number: z.int(), mode: z.string(), idle: z.boolean() })),
  ),
  /** Its admin address when it serves one itself. */
  admin: z.string().optional(),
})

export type GatewayInfo = z.output<typeof gatewayInfo>
type PhaseReport = GatewayInfo['phases'][string][number]

const LABEL_WIDTH = 12

const line = (label: string, text: string): string => `  ${label.padEnd(LABEL_WIDTH)}${text}\n`

/** `http://HOST:PORT`, an IPv6 address in brackets. */
export const urlOf = ({ host, port, tls }: Pick<GatewayInfo, 'host' | 'port' | 'tls'>): string =>
  `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`

/** What a start prints for people: addresses, listener and why, the mode of each phase, where data lies. */
export const gatewayBanner = (info: GatewayInfo, { data }: { readonly data: string }): string => {
  const upstreams =
    info.upstreams.length > 0 ? info.upstreams : ['none: every request gets 503; set --upstream URL']
  return [
    `Portcullis ${version} serves\n\n`,
    line('listens on', urlOf(info)),
    line('listener', `${info.listener}, ${info.threads} thread${info.threads === 1 ? '' : 's'}: ${info.why}`),
    ...info.limits.map((limit) => line('', `limit: ${limit}`)),
    ...upstreams.map((upstream, index) => line(index === 0 ? 'upstream' : '', upstream)),
    info.admin === undefined ? '' : line('admin', `http://${info.admin}/health, /ready, /metrics`),
    line('data', resolve(data)),
    ...Object.entries(info.phases).map(([site, phases], _, all) =>
      phaseLines(all.length === 1 ? 'phases' : `phases of ${site}`, phases),
    ),
  ].join('')
}

/** Phases in the order in which they run. Idle ones have nothing to judge by. */
const phaseLines = (label: string, phases: readonly PhaseReport[]): string => {
  const width = Math.max(...phases.map(({ phase }) => phase.length)) + 2
  return [
    line(label, ''),
    ...phases.map(
      ({ number, phase, mode, idle }) =>
        `    ${String(number).padStart(2)} ${phase.padEnd(width)}${mode}${idle && mode !== 'off' ? ' (nothing configured)' : ''}\n`,
    ),
  ].join('')
}
