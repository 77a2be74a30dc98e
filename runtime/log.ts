import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'

export type { Logger } from 'pino'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** Names of members whose values never reach a log, on the top level and one and two levels below it. */
const SECRET_NAMES = [
  'authorization',
  'Authorization',
  'proxy-authorization',
  'proxy_authorization',
  'cookie',
  'Cookie',
  'set-cookie',
  'set_cookie',
  'token',
  'access_token',
  'refresh_token',
  'secret',
  'password',
  'passphrase',
  'private_key',
  'privateKey',
  'api_key',
  'apiKey',
  'x-api-key',
] as const

const secretPaths = (): string[] =>
  SECRET_NAMES.flatMap((name) => {
    const quoted = `["${name}"]`
    return [quoted, `*${quoted}`, `*.*${quoted}`]
  })

export interface LogOptions {
  readonly level: LogLevel
  /** The role that speaks: `gateway`, `ledger`, …; the member `role` of each line. */
  readonly role: string
  /** Where lines go; standard error when left out, so that data on standard output stays clean. */
  readonly destination?: DestinationStream
}

/**
 * A logger that writes one JSON object per line, with `time` in ISO 8601 and members that commonly hold secrets
 * replaced by `[redacted]`.
 */
export const createLogger = ({ level, role, destination }: LogOptions): Logger =>
  pino(
    {
      level,
      base: { role },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretPaths(), censor: '[redacted]' },
    },
    destination ?? pino.destination({ fd: 2, sync: true }),
  )
