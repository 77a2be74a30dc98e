import type { HeaderList } from '../request.js'

const isContentType = (name: string): boolean => name.length === 12 && name.toLowerCase() === 'content-type'

/**
 * Several Content-Type fields as the one field that a list of values would be (RFC 9110, section 5.3), in the place of the
 * first. Otherwise rules would judge by one of them and the application read by another; so they see, and the upstream
 * gets, the same single value.
 */
export function joinContentTypes(headers: HeaderList): HeaderList {
  let first: string | undefined
  const values: string[] = []
  for (const [name, value] of headers)
    if (isContentType(name)) {
      first ??= name
      values.push(value)
    }
  if (first === undefined || values.length < 2) return headers
  const joined = [first, values.join(', ')] as const
  let placed = false
  return headers.flatMap((field) => {
    if (!isContentType(field[0])) return [field]
    if (placed) return []
    placed = true
    return [joined]
  })
}
