/** A request target (RFC 9112, section 3.2) taken apart without decoding anything. */
export interface TargetParts {
  /** The target without scheme, authority and fragment: path and query as sent. */
  readonly uri: string
  /** Where in the target `uri` begins; its end when the target has no path. */
  readonly start: number
  /** Up to the first `?` (or `#`). */
  readonly path: string
  /** After the first `?`; undefined when there is none. */
  readonly query: string | undefined
  /** What follows the last slash or backslash of the path. */
  readonly basename: string
}

// Bounded: a scheme is a short word.
const ABSOLUTE = /^[a-z][a-z0-9+.-]{0,30}:\/\//i

export function splitTarget(target: string): TargetParts {
  let uri = target
  let start = 0
  const absolute = ABSOLUTE.exec(target)
  if (absolute !== null) {
    const rest = target.slice(absolute[0].length)
    const end = rest.search(/[/?#]/)
    uri = end < 0 ? '/' : rest.slice(end)
    start = end < 0 ? target.length : absolute[0].length + end
  }
  const hash = uri.indexOf('#')
  const withoutFragment = hash < 0 ? uri : uri.slice(0, hash)
  const mark = withoutFragment.indexOf('?')
  const path = mark < 0 ? withoutFragment : withoutFragment.slice(0, mark)
  const query = mark < 0 ? undefined : withoutFragment.slice(mark + 1)
  const slash = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))
  return { uri: withoutFragment, start, path, query, basename: path.slice(slash + 1) }
}
