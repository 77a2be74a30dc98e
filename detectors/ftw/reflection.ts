/** The answer of the reflector that response tests talk to: `POST /reflect` describes it, every other path is an empty 200. */
export interface Reflection {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Buffer
}

/** Statuses whose responses have no content (RFC 9110, sections 15.3.5 and 15.4.5). */
const BODYLESS: ReadonlySet<number> = new Set([204, 304])

export function reflect(target: string, body: Buffer): Reflection {
  if (!target.startsWith('/reflect')) return { status: 200, headers: [], body: Buffer.alloc(0) }
  let wanted: { status?: unknown; headers?: unknown; body?: unknown; encodedBody?: unknown }
  try {
    wanted = JSON.parse(body.toString('utf8')) as typeof wanted
  } catch {
    return { status: 400, headers: [], body: Buffer.from('not JSON') }
  }
  const status = typeof wanted.status === 'number' ? wanted.status : 200
  return {
    status,
    headers: Object.entries((wanted.headers ?? {}) as Record<string, unknown>).map(([name, value]) => [
      name,
      String(value),
    ]),
    body: BODYLESS.has(status)
      ? Buffer.alloc(0)
      : typeof wanted.encodedBody === 'string'
        ? Buffer.from(wanted.encodedBody, 'base64')
        : Buffer.from(typeof wanted.body === 'string' ? wanted.body : ''),
  }
}
