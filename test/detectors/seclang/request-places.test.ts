import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { parseCookies, placesOfCookies } from '../../../detectors/transaction/cookies.js'
import { parseForm, placesOfForm } from '../../../detectors/transaction/form.js'
import { percentDecode } from '../../../detectors/transaction/percent.js'
import type { RequestSpan, RuleMatch } from '../../../detectors/verdict.js'
import { MAX_SOURCE_SPANS } from '../../../detectors/seclang/request-places.js'
import { type ProfileRequest, compile, form, judge } from './profile.js'

function matchesOf(rules: string, request: ProfileRequest): readonly RuleMatch[] {
  return judge(compile(rules), request).evaluation.matches
}

/** The text of the request under a span, as the documentation of `RequestSpan` counts. */
function under(request: ProfileRequest, { part, header = 0, offset, length }: RequestSpan): string {
  const { method = 'GET', target = '/', headers = [], body = '', version = '1.1' } = request
  const [name, value] = headers[header] ?? ['', '']
  const text =
    part === 'line' ? `${method} ${target} HTTP/${version}` : part === 'header' ? `${name}: ${value}` : body
  return text.slice(offset, offset + length)
}

const WITH_COOKIES: ProfileRequest = {
  ...form('x=1&at%74ack=b%61d', 'http://shop.example/a/b%20c?q=bad&&empty'),
  headers: [
    ['Host', 'shop.example'],
    ['Cookie', 'one=1;  attack = bad '],
    ['Content-Type', 'application/x-www-form-urlencoded'],
    ['Authorization', 'Basic YmFkOmJhZA=='],
  ],
}

for (const [variable, pattern, raw] of [
  ['ARGS_POST', 'bad', 'b%61d'],
  ['ARGS_POST_NAMES', 'attack', 'at%74ack'],
  ['ARGS_GET', 'bad', 'bad'],
  ['ARGS_GET_NAMES', 'empty', 'empty'],
  ['REQUEST_COOKIES', 'bad', ' bad '],
  ['REQUEST_COOKIES_NAMES', 'attack', 'attack'],
  ['REQUEST_HEADERS', 'shop', 'shop.example'],
  ['REQUEST_HEADERS_NAMES', 'Cookie', 'Cookie'],
  ['REQUEST_FILENAME', 'b c', '/a/b%20c'],
  ['REQUEST_BASENAME', 'b c', 'b%20c'],
  ['REQUEST_URI', '/a', '/a/b%20c?q=bad&&empty'],
  ['QUERY_STRING', 'bad', 'q=bad&&empty'],
  ['REQUEST_PROTOCOL', 'HTTP', 'HTTP/1.1'],
  ['REMOTE_USER', 'bad', 'Basic YmFkOmJhZA=='],
  ['REQUEST_BODY', 'x=1', 'x=1&at%74ack=b%61d'],
] as const) {
  t.test(`${variable} is found in the request as it was sent`, async (t) => {
    const rule = `SecRequestBodyAccess On\nSecRule ${variable} "@rx ${pattern}" "id:1,phase:2,pass,log"`
    const [match] = matchesOf(rule, WITH_COOKIES)
    const [source] = match?.source ?? []
    const [found] = match?.found ?? []
    if (!match || !source || !found) throw new Error('no place')
    t.equal(under(WITH_COOKIES, source), raw)
    t.equal(match.sample.slice(found.offset, found.offset + found.length), pattern)
  })
}

t.test('groups have places of their own, and those that took no part have none', async (t) => {
  const [match] = matchesOf('SecRule ARGS "@rx b(x)?(a)" "id:1,phase:2,pass,log"', { target: '/?q=_ba' })
  t.same(match?.found, [
    { offset: 1, length: 2 },
    { offset: 2, length: 1 },
  ])
})

t.test('what has no place says none', async (t) => {
  const rules = [
    'SecRule &ARGS "@gt 0" "id:1,phase:2,pass,log"',
    'SecRule ARGS "!@rx z" "id:2,phase:2,pass,log"',
    'SecRule TX:a "@rx ." "id:3,phase:2,pass,log"',
    'SecRule ARGS "@rx b" "id:4,phase:2,pass,nolog"',
  ]
  const matches = matchesOf(`SecAction "id:9,phase:1,pass,nolog,setvar:tx.a=b"\n${rules.join('\n')}`, {
    target: '/?q=b',
  })
  const of = (id: number) => matches.find((match) => match.id === id)
  t.match(of(1), { source: undefined, found: undefined })
  t.match(of(2), { found: undefined, source: [{ part: 'line', offset: 8, length: 1 }] })
  t.match(of(3), { source: undefined, found: [{ offset: 0, length: 1 }] })
  t.match(of(4), { source: undefined, found: undefined }, 'a match that nobody logs is not looked for')
})

t.test('a variable that sums many values up names the first places', async (t) => {
  const target = `/?${Array.from({ length: 500 }, (_, n) => `a${n}=b`).join('&')}`
  const [match] = matchesOf('SecRule ARGS_COMBINED_SIZE "@gt 1" "id:1,phase:2,pass,log"', { target })
  t.equal(match?.source?.length, MAX_SOURCE_SPANS)
})

t.test('the places of a form and of cookies are those of what was parsed', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', '=', '&', ';', ' ', '%41', '+'), maxLength: 40 })
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 5 }), (raw, limit) => {
      const cut = ({ offset, length }: { offset: number; length: number }) =>
        raw.slice(offset, offset + length)
      deepEqual(
        placesOfForm(raw, limit).map(({ name, value }) => ({
          name: percentDecode(cut(name)).text,
          value: percentDecode(cut(value)).text,
        })),
        parseForm(raw, limit).fields,
      )
      deepEqual(
        placesOfCookies([raw], limit).map(({ name, value }) => ({ name: cut(name), value: cut(value) })),
        parseCookies([raw], limit).cookies,
      )
    }),
  )
})
