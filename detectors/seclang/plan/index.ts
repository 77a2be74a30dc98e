export type { Settled } from './clean-path.js'
export { type KnownMatch, type MatchMemo, type Recalled, refusedNext, repeatMatch } from './match-memo.js'
export { Plan, type Step, filtersOf } from './plan.js'
export { Suspects } from './suspects.js'
