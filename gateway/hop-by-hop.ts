import type { HeaderList } from '../detectors/request.js'
import { sameToken } from '../detectors/transaction/bytes.js'

/**
 * Fields that concern one connection only (RFC 9110, section 7.6.1, and those that older peers treat so). `Trailer` is
 * not here: it announces fields that are passed on.
 */
export const HOP_BY_HOP: readonly string[] = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
]

const ENDS_HERE: ReadonlySet<string> = new Set(HOP_BY_HOP)

/** Fields that a peer cannot have removed by naming them in `Connection`: each of them is ours to frame or to route by. */
const KEPT: ReadonlySet<string> = new Set(['host', 'content-length', 'content-type', 'content-encoding'])

/** The lower-case options of all `Connection` fields, without empty ones. */
export const connectionOptions = (headers: HeaderList): readonly string[] => {
  const options: string[] = []
  for (const [name, value] of headers) {
    if (!sameToken(name, 'connection')) continue
    // As nearly all clients and servers send it.
    if (value === 'keep-alive' || value === 'close') {
      options.push(value)
      continue
    }
    for (const part of value.split(',')) {
      const option = part.trim().toLowerCase()
      if (option !== '') options.push(option)
    }
  }
  return options
}

/** The fields that `Connection` names and so takes away; undefined when there are none. */
export const namedInConnection = (headers: HeaderList): ReadonlySet<string> | undefined => {
  let options: readonly string[] | undefined
  // The two that are options and no fields are the usual case.
  for (const [name, value] of headers)
    if (value !== 'keep-alive' && value !== 'close' && sameToken(name, 'connection'))
      options ??= connectionOptions(headers)
  if (options === undefined) return undefined
  const named = options.filter((option) => option !== 'keep-alive' && option !== 'close' && !KEPT.has(option))
  return named.length === 0 ? undefined : new Set(named)
}

/**
 * Tells which fields end at this hop: the fixed ones, and those that `Connection` names.
 *
 * @returns a test on a lower-case field name
 */
export const hopByHop = (headers: HeaderList): ((name: string) => boolean) => {
  const named = namedInConnection(headers)
  if (named === undefined) return endsHere
  return (name) => ENDS_HERE.has(name) || named.has(name)
}

const endsHere = (name: string): boolean => ENDS_HERE.has(name)
