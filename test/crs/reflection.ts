export { reflect, type Reflection } from '../../detectors/ftw/reflection.js'
