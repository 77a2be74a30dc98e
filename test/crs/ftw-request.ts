export { requestBytes } from '../../detectors/ftw/request.js'
