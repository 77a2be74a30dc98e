import { MULTIPART_FLAGS, type MultipartFlag } from '../bodies/body.js'
import type { VariableDefinition } from './definition.js'
import { scalarVariable } from './scalar.js'

/** The single findings about a multipart body: MULTIPART_DATA_BEFORE and so on, 0 or 1. */
export const multipartFlags: readonly VariableDefinition[] = MULTIPART_FLAGS.map((flag) =>
  scalarVariable(`MULTIPART_${flag}`, (state) =>
    state.body.multipart?.flags.has(flag) === true ? '1' : '0',
  ),
)

// The findings that the reference manual sums up. A CRLF/LF mix counts like a bare LF line does.
const STRICT: readonly MultipartFlag[] = [
  'BOUNDARY_QUOTED',
  'BOUNDARY_WHITESPACE',
  'DATA_BEFORE',
  'DATA_AFTER',
  'HEADER_FOLDING',
  'LF_LINE',
  'MISSING_SEMICOLON',
  'INVALID_QUOTING',
  'INVALID_PART',
  'INVALID_HEADER_FOLDING',
  'FILE_LIMIT_EXCEEDED',
]

/** 1 when anything about a multipart body is not as strict readers want it. */
export const multipartStrictError = scalarVariable('MULTIPART_STRICT_ERROR', (state) => {
  const { multipart } = state.body
  if (multipart === undefined) return '0'
  const broken = state.body.error !== '' || STRICT.some((flag) => multipart.flags.has(flag))
  return broken ? '1' : '0'
})

/** Name of the last form field. */
export const multipartName = scalarVariable('MULTIPART_NAME', (state) => state.body.multipart?.name)

/** File name of the last file. */
export const multipartFilename = scalarVariable(
  'MULTIPART_FILENAME',
  (state) => state.body.multipart?.filename,
)

/** The header lines of all parts, each under the name of its field. */
export const multipartPartHeaders: VariableDefinition = {
  name: 'MULTIPART_PART_HEADERS',
  kind: 'collection',
  entries: (state) => state.body.multipart?.partHeaders ?? [],
}
