/**
 * Names that requests mostly carry, in the two ways in which clients write them. A head's names are then strings that exist
 * already: none is made for each request, and comparing them is comparing pointers.
 */
const COMMON = [
  'Accept',
  'Accept-Charset',
  'Accept-Encoding',
  'Accept-Language',
  'Access-Control-Request-Headers',
  'Access-Control-Request-Method',
  'Authorization',
  'Cache-Control',
  'Connection',
  'Content-Encoding',
  'Content-Length',
  'Content-Type',
  'Cookie',
  'DNT',
  'Expect',
  'Forwarded',
  'Host',
  'If-Match',
  'If-Modified-Since',
  'If-None-Match',
  'If-Range',
  'Keep-Alive',
  'Origin',
  'Pragma',
  'Priority',
  'Proxy-Connection',
  'Range',
  'Referer',
  'Sec-CH-UA',
  'Sec-CH-UA-Mobile',
  'Sec-CH-UA-Platform',
  'Sec-Fetch-Dest',
  'Sec-Fetch-Mode',
  'Sec-Fetch-Site',
  'Sec-Fetch-User',
  'Sec-GPC',
  'Sec-WebSocket-Extensions',
  'Sec-WebSocket-Key',
  'Sec-WebSocket-Protocol',
  'Sec-WebSocket-Version',
  'TE',
  'Traceparent',
  'Tracestate',
  'Trailer',
  'Transfer-Encoding',
  'Upgrade',
  'Upgrade-Insecure-Requests',
  'User-Agent',
  'Via',
  'X-CSRF-Token',
  'X-Forwarded-For',
  'X-Forwarded-Host',
  'X-Forwarded-Proto',
  'X-Real-IP',
  'X-Request-ID',
  'X-Requested-With',
]

const SLOTS = 1024

/** By slot: the names there. */
const TABLE: readonly (readonly string[] | undefined)[] = table()

/** The name that stands between two offsets when it is a common one. */
export function fieldName(bytes: Uint8Array, from: number, to: number): string | undefined {
  const length = to - from
  const names = TABLE[slot(length, bytes[from] ?? 0, bytes[to - 1] ?? 0, bytes[from + (length >> 1)] ?? 0)]
  if (names === undefined) return undefined
  for (const name of names) {
    if (name.length !== length) continue
    let i = 0
    while (i < length && name.charCodeAt(i) === bytes[from + i]) i++
    if (i === length) return name
  }
  return undefined
}

function slot(length: number, first: number, last: number, middle: number): number {
  return (length * 37 + first * 5 + middle * 3 + last * 11) & (SLOTS - 1)
}

function table(): (readonly string[] | undefined)[] {
  const slots: (string[] | undefined)[] = Array.from({ length: SLOTS })
  for (const name of new Set(COMMON.flatMap((name) => [name, name.toLowerCase()]))) {
    const { length } = name
    const at = slot(length, name.charCodeAt(0), name.charCodeAt(length - 1), name.charCodeAt(length >> 1))
    slots[at] = [...(slots[at] ?? []), name]
  }
  return slots
}
