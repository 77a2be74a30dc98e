import type { HeaderList } from '../request.js'
import { sameToken } from './bytes.js'

const isContentType = (name: string): boolean => sameToken(name, 'content-type')

/**
 * Several Content-Type fields as the one field that a list of values would be (RFC 9110, section 5.3), in the place of the
 * first. Otherwise rules would judge by one of them and the application read by another; so they see, and the upstream
 * gets, the same single value.
 */
export function joinContentTypes(headers: HeaderList): HeaderList {
  let fields = 0
  for (const field of headers) if (isContentType(field[0])) fields++
  return fields < 2 ? headers : joined(headers)
}

function joined(headers: HeaderList): HeaderList {
  const value = headers
    .filter(([name]) => isContentType(name))
    .map(([, text]) => text)
    .join(', ')
  let placed = false
  return headers.flatMap((field) => {
    if (!isContentType(field[0])) return [field]
    if (placed) return []
    placed = true
    return [[field[0], value] as const]
  })
}
