import fc from 'fast-check'
import type { ProfileRequest } from '../profile.js'

/** What values and patterns are made of, so that they meet now and then. */
const WORDS = [
  'a',
  'ab',
  'abc',
  'select',
  'UNION',
  'select 1',
  '<b>',
  'alert(',
  '1',
  '10',
  '%41',
  '+',
  "'",
  ' or ',
  '..',
  '/',
  '\\x41',
  '&lt;',
  '\0',
  '\xe9',
  '  ',
  '/*x*/',
  '-- ',
  'foo=bar',
  '{"a":',
  ';',
]

const short = fc.array(fc.constantFrom(...WORDS), { maxLength: 5 }).map((parts) => parts.join(''))
/** Some are longer than the part that a pattern with back-references may see. */
const text = fc.oneof(
  { weight: 30, arbitrary: short },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom('a', 'ab', ' ', '%'), short).map(long) },
)
function long([unit, tail]: readonly [string, string]): string {
  return unit.repeat(5000) + tail
}
const name = fc.constantFrom('a', 'b', 'id', 'A', 'name', 'x.y', 'q[]', '\xc9', '\xe9', '')
const pairs = (separator: string, encode: (value: string) => string): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(name, text), { maxLength: 4 })
    .map((list) => list.map(([key, value]) => `${key}=${encode(value)}`).join(separator))

const form = pairs('&', (value) => value.replaceAll('&', '%26'))
const bodies: fc.Arbitrary<{ type: string; body: string }> = fc.oneof(
  form.map((body) => ({ type: 'application/x-www-form-urlencoded', body })),
  fc
    .array(fc.tuple(name, text), { maxLength: 4 })
    .map((list) => ({ type: 'application/json', body: JSON.stringify(Object.fromEntries(list)) })),
  text.map((body) => ({ type: 'application/json', body })),
  fc.tuple(name, text).map(([key, value]) => ({
    type: 'multipart/form-data; boundary=x',
    body: `--x\r\nContent-Disposition: form-data; name="${key}"; filename="a.txt"\r\n\r\n${value}\r\n--x\r\nContent-Disposition: form-data; name="b"\r\n\r\n${value}\r\n--x--\r\n`,
  })),
  text.map((value) => ({
    type: 'text/xml',
    body: `<r a="1"><i>${value.replace(/[<&\0]/g, '')}</i></r>`,
  })),
  text.map((body) => ({ type: 'text/plain', body })),
)

export const requests: fc.Arbitrary<ProfileRequest> = fc
  .record({
    method: fc.constantFrom('GET', 'POST', 'PUT'),
    path: fc.constantFrom('/', '/abc', '/a/../b.php', '/%61%2e'),
    query: form,
    agent: text,
    accept: text,
    extra: text,
    cookie: pairs('; ', (value) => value.replaceAll(';', '')),
    content: fc.option(bodies, { nil: undefined }),
    answer: fc.option(text, { nil: undefined }),
  })
  .map(({ method, path, query, agent, accept, extra, cookie, content, answer }) => ({
    method,
    target: query === '' ? path : `${path}?${query}`,
    headers: [
      ['Host', 'shop.example'],
      ['User-Agent', agent],
      ['Accept', accept],
      ['X-Extra', extra],
      ['x-extra', accept],
      ...(cookie === '' ? [] : [['Cookie', cookie] as const]),
      ...(content === undefined ? [] : [['Content-Type', content.type] as const]),
    ],
    ...(content === undefined ? {} : { body: content.body }),
    ...(answer === undefined
      ? {}
      : {
          response: {
            status: 200,
            headers: [
              ['Content-Type', 'text/html'],
              ['X-Extra', extra],
            ],
            body: answer,
          },
        }),
  }))
