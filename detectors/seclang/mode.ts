import type { Mode } from '../verdict.js'
import type { EngineMode } from './settings.js'

const STRENGTH: Readonly<Record<Mode, number>> = { off: 0, detect: 1, block: 2 }

/** The weaker of two modes. */
export function weaker(a: Mode, b: Mode): Mode {
  return STRENGTH[a] <= STRENGTH[b] ? a : b
}

/** The mode that a state of the rule engine allows. */
export function engineMode(engine: EngineMode): Mode {
  return engine === 'on' ? 'block' : engine === 'detection_only' ? 'detect' : 'off'
}
