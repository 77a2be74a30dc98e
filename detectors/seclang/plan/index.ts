export { Plan, type Step, filtersOf } from './plan.js'
export { Suspects } from './suspects.js'
