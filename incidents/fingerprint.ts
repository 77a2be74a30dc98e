import { createHash } from 'node:crypto'
import type { DetectionEvent } from '../runtime/events.js'

/** How an event is grouped and told. */
export interface Subject {
  /** Hex. Equal for events that are one matter. */
  readonly fingerprint: string
  readonly title: string
  readonly summary: string
}

/**
 * Groups by what was detected and where, never by what an attacker chooses freely (address, path, value): a flood from many
 * addresses is then one incident with a count, not many incidents.
 */
export function subjectOf(event: DetectionEvent): Subject {
  switch (event.type) {
    case 'security.verdict': {
      const { site, phase, rule, msg, action, client, method, path, variable, request_id } = event.data
      return {
        fingerprint: digest(event.type, site, phase, String(rule ?? ''), action),
        title: `${action === 'log' ? 'Detected' : 'Blocked'} on ${site}: ${msg || phase}`,
        summary: `${client} ${method} ${path}${variable ? ` in ${variable}` : ''} (request ${request_id})`,
      }
    }
    case 'malformed_request': {
      const { listener, reason, client, count } = event.data
      return {
        fingerprint: digest(event.type, listener, reason),
        title: `Malformed requests: ${reason}`,
        summary: `${client}: ${reason}, ${count} times`,
      }
    }
    case 'scan.verdict': {
      const { host, verdict, reasons, path, sha256, quarantine } = event.data
      const [first] = reasons
      const name = first ? `${first.engine}:${first.rule}` : verdict
      return {
        fingerprint: digest(event.type, host, verdict, name),
        title: `File ${verdict} on ${host}: ${first?.rule ?? verdict}`,
        summary: `${path} (sha256 ${sha256 || 'unknown'})${quarantine ? `, quarantined as ${quarantine}` : ''}`,
      }
    }
    case 'operational': {
      const { role, code, message } = event.data
      return {
        fingerprint: digest(event.type, role, code),
        title: `${role}: ${code}`,
        summary: message,
      }
    }
  }
}

/** How many detections an event stands for. */
export const weightOf = (event: DetectionEvent): number =>
  event.type === 'malformed_request' ? event.data.count : 1

const digest = (...parts: readonly string[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex')
