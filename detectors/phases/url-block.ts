import { anyReading, compilePathPattern } from '../path-pattern.js'
import type { Phase, PhaseDecision } from '../phase.js'
import { policyMatch } from '../policy-match.js'
import type { AnswerList } from '../ports.js'
import type { RequestPath } from '../request-path.js'

/** Phase 4: forbidden paths, in whichever way they are encoded; those of the configuration, then those of incidents. */
export function urlBlock(paths: readonly string[], site = 'default', answers?: AnswerList): Phase {
  const forbidden = anyReading(
    paths.map((path, i) => compilePathPattern(path, `detection.phases.url_block.paths[${i}]`, true)),
  )
  return {
    name: 'url_block',
    onClient(context) {
      // The path is read in all its ways only when there is something to compare it with.
      if (paths.length > 0 && forbidden(context.path)) return refuse(context.path, 'Path is forbidden')
      const blocked = answers?.blockedPaths(site)
      if (blocked === undefined) return undefined
      return context.path.readings.some((reading) => blocked.has(blockedPath(reading)))
        ? refuse(context.path, 'Path is blocked for an incident')
        : undefined
    },
  }
}

/** The form in which blocked paths are compared: ASCII in lower case, no slash at the end. */
export function blockedPath(path: string): string {
  const lower = path.replace(/[A-Z]+/g, (run) => run.toLowerCase())
  return lower.length > 1 && lower.endsWith('/') ? lower.slice(0, -1) : lower
}

function refuse({ raw }: RequestPath, msg: string): PhaseDecision {
  const match = policyMatch('url_block', { msg, variable: 'REQUEST_FILENAME', sample: raw, severity: 4 })
  return { kind: 'block', reason: `${msg.charAt(0).toLowerCase()}${msg.slice(1)}`, match }
}
