import type { Settings } from '../settings.js'
import type { TransactionState } from '../state.js'
import { type BodyCheck, type BodyLimits, type BodyProcessor, type ParsedBody, SoundBody } from './body.js'
import { isSound, json } from './json.js'
import { multipart } from './multipart.js'
import { isSoundForm, urlencoded } from './urlencoded.js'
import { xml } from './xml.js'

const PROCESSORS: ReadonlyMap<string, BodyProcessor> = new Map([
  ['URLENCODED', urlencoded],
  ['MULTIPART', multipart],
  ['JSON', json],
  ['XML', xml],
])

const CHECKS: ReadonlyMap<string, BodyCheck> = new Map([
  ['URLENCODED', isSoundForm],
  ['JSON', isSound],
])

/**
 * Chooses the body processor that the Content-Type calls for, before any rule runs. JSON and XML are chosen by rules
 * (`ctl:requestBodyProcessor`), as in ModSecurity.
 */
export function chooseBodyProcessor(state: TransactionState): void {
  const type = (state.tx.headers.get('content-type') ?? '').trimStart().toLowerCase()
  if (type.startsWith('application/x-www-form-urlencoded')) state.bodyProcessor = 'URLENCODED'
  else if (type.startsWith('multipart/form-data')) state.bodyProcessor = 'MULTIPART'
}

/**
 * Reads the request body with the processor chosen so far; what is wrong with it shows in REQBODY_ERROR.
 *
 * @param read whether rules read its fields; without them it is mostly enough to know that nothing is wrong with it
 */
export function parseRequestBody(state: TransactionState, read: boolean): void {
  if (state.bodyParsed || !state.requestBodyAccess) return
  state.bodyParsed = true
  const { tx, settings } = state
  if (tx.requestBody.bytes.length === 0) return
  const processor = PROCESSORS.get(state.bodyProcessor)
  if (processor === undefined) return
  const limits: BodyLimits = {
    arguments: settings.argumentsLimit,
    jsonDepth: settings.jsonDepthLimit,
    files: settings.uploadFileLimit,
    argumentSeparator: settings.argumentSeparator,
    complete: tx.requestBody.complete,
  }
  const contentType = tx.headers.get('content-type') ?? ''
  const parse = (): ParsedBody => processor(tx.requestBodyText, contentType, limits)
  const { bytes } = tx.requestBody
  const sound = !read && CHECKS.get(state.bodyProcessor)?.(bytes, limits) === true
  state.body = withoutFilesLimit(sound ? new SoundBody(parse) : parse(), bytes.length, settings)
  for (const limit of state.body.limits) tx.truncate(limit)
}

/** SecRequestBodyNoFilesLimit: what a body may hold besides files. A larger one is an error of the body. */
function withoutFilesLimit(parsed: ParsedBody, size: number, settings: Settings): ParsedBody {
  const limit = settings.requestBodyNoFilesLimit
  if (limit === undefined || noFilesLength(parsed, size) <= limit) return parsed
  const { args, urlencodedError = false } = parsed
  const error = `Request body excluding files is bigger than ${limit} bytes`
  return { ...parsed, args, urlencodedError, error }
}

function noFilesLength({ multipart: parts, args }: ParsedBody, size: number): number {
  if (parts === undefined) return size
  let length = 0
  for (const { key, value } of args) length += key.length + value.length
  for (const { value } of parts.partHeaders) length += value.length
  return length
}
