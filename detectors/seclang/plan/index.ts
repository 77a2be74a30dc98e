export type { Settled } from './clean-path.js'
export { type PlacedScreen, Plan, type Step, filtersOf } from './plan.js'
export { Suspects } from './suspects.js'
