import type { TransactionState } from '../state.js'
import type { BodyLimits, BodyProcessor, ParsedBody } from './body.js'
import { json } from './json.js'
import { multipart } from './multipart.js'
import { urlencoded } from './urlencoded.js'
import { xml } from './xml.js'

const PROCESSORS: ReadonlyMap<string, BodyProcessor> = new Map([
  ['URLENCODED', urlencoded],
  ['MULTIPART', multipart],
  ['JSON', json],
  ['XML', xml],
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

/** Reads the request body with the processor chosen so far; what is wrong with it shows in REQBODY_ERROR. */
export function parseRequestBody(state: TransactionState): void {
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
  const parsed = processor(tx.requestBodyText, contentType, limits)
  state.body = withoutFilesLimit(parsed, tx.requestBody.bytes.length, settings.requestBodyNoFilesLimit)
  for (const limit of state.body.limits) tx.truncate(limit)
}

/** SecRequestBodyNoFilesLimit: what a body may hold besides files. A larger one is an error of the body. */
function withoutFilesLimit(parsed: ParsedBody, size: number, limit: number | undefined): ParsedBody {
  if (limit === undefined || noFilesLength(parsed, size) <= limit) return parsed
  return { ...parsed, error: `Request body excluding files is bigger than ${limit} bytes` }
}

function noFilesLength({ multipart: parts, args }: ParsedBody, size: number): number {
  if (parts === undefined) return size
  let length = 0
  for (const { key, value } of args) length += key.length + value.length
  for (const { value } of parts.partHeaders) length += value.length
  return length
}
