export { compilePattern } from './pattern.js'
export type { Classification, CompiledPattern } from './pattern.js'
