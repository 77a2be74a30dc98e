import { ListenerError } from './errors.js'
import type { ListenOptions } from './listener.js'

const DEFAULT_MAX_MESSAGE_BYTES = 16 * 1024 * 1024

/** The longest WebSocket message that is taken, in bytes. */
export function maxMessageBytes(options: ListenOptions): number {
  return options.maxMessageBytes ?? DEFAULT_MAX_MESSAGE_BYTES
}

/** @throws ListenerError `INVALID_OPTION` naming the option and the value. */
export function checkOptions(options: ListenOptions): void {
  inRange('port', options.port, 0, 65_535)
  inRange('timeouts.headersMs', options.timeouts.headersMs, 1, 86_400_000)
  inRange('timeouts.idleMs', options.timeouts.idleMs, 1, 86_400_000)
  inRange('timeouts.bodyIdleMs', options.timeouts.bodyIdleMs, 1, 86_400_000)
  inRange('minBodyRate', options.minBodyRate ?? 0, 0, 1024 * 1024)
  inRange('maxHeaderBytes', options.maxHeaderBytes, 1024, 1024 * 1024)
  inRange('maxMessageBytes', maxMessageBytes(options), 1, 1024 * 1024 * 1024)
}

function inRange(name: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new ListenerError(
      'INVALID_OPTION',
      `${name} is ${value}; it must be a whole number from ${least} to ${most}`,
    )
  }
}
