import type { HeaderList } from '../detectors/request.js'

/**
 * Fields that concern one connection only (RFC 9110, section 7.6.1, and those that older peers treat so). `Trailer` is
 * not here: it announces fields that are passed on.
 */
const HOP_BY_HOP: ReadonlySet<string> = new Set([
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
])

/** Fields that a peer cannot have removed by naming them in `Connection`: each of them is ours to frame or to route by. */
const KEPT: ReadonlySet<string> = new Set(['host', 'content-length', 'content-type', 'content-encoding'])

/** The lower-case options of all `Connection` fields, without empty ones. */
export const connectionOptions = (headers: HeaderList): readonly string[] => {
  const options: string[] = []
  for (const [name, value] of headers) {
    if (name.length !== 10 || name.toLowerCase() !== 'connection') continue
    for (const part of value.split(',')) {
      const option = part.trim().toLowerCase()
      if (option !== '') options.push(option)
    }
  }
  return options
}

/**
 * Tells which fields end at this hop: the fixed ones, and those that `Connection` names.
 *
 * @returns a test on a lower-case field name
 */
export const hopByHop = (headers: HeaderList): ((name: string) => boolean) => {
  const options = connectionOptions(headers)
  if (options.length === 0) return (name) => HOP_BY_HOP.has(name)
  const named = new Set(options.filter((option) => !KEPT.has(option)))
  return (name) => HOP_BY_HOP.has(name) || named.has(name)
}
