export { failuresOf, nativeLine, type Observed } from '../../detectors/ftw/check.js'
