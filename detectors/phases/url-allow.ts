import { compilePathPattern, plainReading } from '../path-pattern.js'
import type { Phase } from '../phase.js'
import { policyMatch } from '../policy-match.js'

/** Phase 3: trusted paths skip the content phases. Only a path with a single reading can earn that. */
export function urlAllow(paths: readonly string[]): Phase {
  const trusted = plainReading(
    paths.map((path, i) => compilePathPattern(path, `detection.phases.url_allow.paths[${i}]`, false)),
  )
  return {
    name: 'url_allow',
    onClient({ path }) {
      if (!trusted(path)) return undefined
      const match = policyMatch('url_allow', {
        msg: 'Path is trusted',
        variable: 'REQUEST_FILENAME',
        sample: path.normal,
        severity: 6,
      })
      // Assets are asked for all the time: trust is recorded with the transaction, not logged for each of them.
      return { kind: 'skip_content', reason: 'path is trusted', match: { ...match, logged: false } }
    },
  }
}
