import { anyReading, compilePathPattern } from '../path-pattern.js'
import type { Phase } from '../phase.js'
import { policyMatch } from '../policy-match.js'

/** Phase 4: forbidden paths, in whichever way they are encoded. */
export function urlBlock(paths: readonly string[]): Phase {
  const forbidden = anyReading(
    paths.map((path, i) => compilePathPattern(path, `detection.phases.url_block.paths[${i}]`, true)),
  )
  return {
    name: 'url_block',
    onClient({ path }) {
      if (!forbidden(path)) return undefined
      const match = policyMatch('url_block', {
        msg: 'Path is forbidden',
        variable: 'REQUEST_FILENAME',
        sample: path.raw,
        severity: 4,
      })
      return { kind: 'block', reason: 'path is forbidden', match }
    },
  }
}
