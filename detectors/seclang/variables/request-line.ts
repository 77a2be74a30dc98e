import { percentDecodePath as decodePath } from '../../transaction/percent.js'
import { scalarVariable } from './scalar.js'

export const requestMethod = scalarVariable('REQUEST_METHOD', (state) => state.tx.method)

export const requestProtocol = scalarVariable('REQUEST_PROTOCOL', (state) => state.tx.protocol)

/** The request line as sent; that of HTTP/0.9 names no version. */
export const requestLine = scalarVariable('REQUEST_LINE', ({ tx }) =>
  tx.protocol === 'HTTP/0.9' ? `${tx.method} ${tx.target}` : `${tx.method} ${tx.target} ${tx.protocol}`,
)

/** Path and query, without scheme and host, not decoded. */
export const requestUri = scalarVariable('REQUEST_URI', (state) => state.tx.uri)

/** The request target as sent, with scheme and host where the client sent them. */
export const requestUriRaw = scalarVariable('REQUEST_URI_RAW', (state) => state.tx.target)

/** The path without the query, percent-decoded once, as a web server sees it. */
export const requestFilename = scalarVariable('REQUEST_FILENAME', (state) => decodePath(state.tx.path))

/** What follows the last slash (or backslash) of the decoded path. */
export const requestBasename = scalarVariable('REQUEST_BASENAME', (state) => {
  const path = decodePath(state.tx.path)
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
})

export const queryString = scalarVariable('QUERY_STRING', (state) => state.tx.query)

/** The decoded path, as in ModSecurity 3: a gateway does not know where a program ends and its path information begins. */
export const pathInfo = scalarVariable('PATH_INFO', (state) => decodePath(state.tx.path))
