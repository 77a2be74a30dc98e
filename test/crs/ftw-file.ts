export { readTests } from '../../cli/ftw-files.js'
export type { FtwInput, FtwOutput, FtwTest } from '../../detectors/ftw/test-file.js'
