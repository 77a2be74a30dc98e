export { testConfiguration } from '../../detectors/ftw/configuration.js'
