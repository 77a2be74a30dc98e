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
  const isBlocked = (path: RequestPath): boolean =>
    answers !== undefined && path.readings.some((reading) => answers.blocksPath(site, blockedPath(reading)))
  return {
    name: 'url_block',
    onClient({ path }) {
      if (forbidden(path)) return refuse(path, 'Path is forbidden')
      return isBlocked(path) ? refuse(path, 'Path is blocked for an incident') : undefined
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
