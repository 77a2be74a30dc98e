import { hash } from 'node:crypto'
import type { DetectionEvent } from '../runtime/events.js'
import { shorten } from '../runtime/text.js'
import type { Detected, Subject } from './incident.js'

/** How an event is grouped and told. */
export interface Matter {
  /** Hex. Equal for events that are one matter. */
  readonly fingerprint: string
  /** Of our own words and names from rules and configuration: it is shown where nothing of a client may stand. */
  readonly title: string
  /** Holds what a client sent. */
  readonly summary: string
  readonly subjects: readonly Subject[]
  readonly detected: Detected
}

/** Longest path that is kept of an event. */
const MAX_PATH = 2048
const MAX_SAMPLE = 500

/**
 * Groups by what was detected and where, never by what an attacker chooses freely (address, path, value): a flood from many
 * addresses is then one incident with a count, not many incidents.
 */
export function matterOf(event: DetectionEvent): Matter {
  switch (event.type) {
    case 'security.verdict': {
      const { site, phase, rule, msg, action, client, method, host, path, variable, sample, request_id } =
        event.data
      return {
        fingerprint: digest(event.type, site, phase, String(rule ?? ''), action),
        // Not `msg`: a rule may have put what it matched into it.
        title:
          `${action === 'log' ? 'Detected' : 'Blocked'} on ${site}: ${phase.replaceAll('_', ' ')}` +
          (rule === undefined ? '' : ` (rule ${rule})`),
        summary: `${msg || phase}: ${client || 'several clients'} ${method} ${path}${variable ? ` in ${variable}` : ''} (request ${request_id})`,
        subjects: [
          // Several clients that are told of together are nobody to answer.
          ...(client === '' ? [] : [{ type: 'client', address: client } as const]),
          { type: 'url', site, host: shorten(host, 255), path: shorten(path, MAX_PATH) },
          ...(rule === undefined
            ? []
            : [
                {
                  type: 'rule',
                  site,
                  rule,
                  ...(variable && { variable: shorten(variable, 200) }),
                  ...(sample && { sample: shorten(sample, MAX_SAMPLE) }),
                } as const,
              ]),
        ],
        detected: { kind: event.type, site, phase, ...(rule !== undefined && { rule }) },
      }
    }
    case 'malformed_request': {
      const { listener, reason, client, count } = event.data
      return {
        fingerprint: digest(event.type, listener, reason),
        title: `Malformed requests: ${reason}`,
        summary: `${client}: ${reason}, ${count} times`,
        subjects: [{ type: 'client', address: client }],
        detected: { kind: event.type },
      }
    }
    case 'scan.verdict': {
      const { host, verdict, reasons, path, path_base64, sha256, quarantine } = event.data
      const [first] = reasons
      const name = first ? `${first.engine}:${first.rule}` : verdict
      return {
        fingerprint: digest(event.type, host, verdict, name),
        title: `File ${verdict} on ${host}: ${first?.rule ?? verdict}`,
        summary: `${path} (sha256 ${sha256 || 'unknown'})${quarantine ? `, quarantined as ${quarantine}` : ''}`,
        subjects: [
          {
            type: 'file',
            host,
            path: shorten(path, MAX_PATH),
            ...(path_base64 && path_base64.length <= MAX_PATH * 2 && { path_base64 }),
            sha256,
            ...(quarantine && { quarantine }),
          },
        ],
        detected: { kind: event.type },
      }
    }
    case 'operational': {
      const { role, code, message } = event.data
      return {
        fingerprint: digest(event.type, role, code),
        title: `${role}: ${code}`,
        summary: message,
        subjects: [],
        detected: { kind: event.type },
      }
    }
  }
}

/** How many detections an event stands for. */
export const weightOf = (event: DetectionEvent): number => {
  if (event.type === 'malformed_request') return event.data.count
  return event.type === 'security.verdict' ? (event.data.count ?? 1) : 1
}

const digest = (...parts: readonly string[]): string => hash('sha256', JSON.stringify(parts))
