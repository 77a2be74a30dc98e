import fc from 'fast-check'
import t from 'tap'
import { LINEAR, growth } from './seclang/linear.js'
import { parseCookies } from '../../detectors/transaction/cookies.js'
import { parseForm } from '../../detectors/transaction/form.js'
import { percentDecode } from '../../detectors/transaction/percent.js'
import { splitTarget } from '../../detectors/transaction/target.js'
import { MAX_FIELDS } from '../../detectors/transaction.js'
import { NOW, transaction } from './seclang/profile.js'

t.test('percent decoding works on bytes and keeps what is no escape', (t) => {
  const cases: readonly (readonly [text: string, decoded: string, invalid: boolean])[] = [
    ['', '', false],
    ['plain', 'plain', false],
    ['a+b%20c', 'a b c', false],
    ['%C3%b6', '\xc3\xb6', false],
    ['%00', '\0', false],
    ['%', '%', true],
    ['%4', '%4', true],
    ['%zz%41', '%zzA', true],
    ['%%41', '%A', true],
    ['%u0041', '%u0041', true],
  ]
  for (const [text, decoded, invalid] of cases) t.same(percentDecode(text), { text: decoded, invalid }, text)
  t.end()
})

t.test('forms', (t) => {
  t.same(parseForm('a=1&b&=x&&c=d=e&a=%31', 10).fields, [
    { name: 'a', value: '1' },
    { name: 'b', value: '' },
    { name: '', value: 'x' },
    { name: 'c', value: 'd=e' },
    { name: 'a', value: '1' },
  ])
  t.same(parseForm('a;b', 10, ';').fields.length, 2)
  t.match(parseForm('a&b&c', 2), { limited: true, fields: { length: 2 } })
  t.match(parseForm('a&b', 2), { limited: false })
  t.end()
})

t.test('cookies', (t) => {
  t.same(parseCookies(['a=1; b = 2;;c', 'd="x=y"'], 10).cookies, [
    { name: 'a', value: '1' },
    { name: 'b', value: ' 2' },
    { name: 'c', value: '' },
    { name: 'd', value: '"x=y"' },
  ])
  // Blanks inside a value are seen by the rules: some look for white space before an event handler.
  t.same(parseCookies(['a = onload=x ; b '], 10).cookies, [
    { name: 'a', value: ' onload=x ' },
    { name: 'b', value: '' },
  ])
  t.ok(parseCookies(['a;b;c'], 2).limited)
  t.end()
})

t.test('targets', (t) => {
  t.same(splitTarget('/a/b.php?x=1?y'), {
    uri: '/a/b.php?x=1?y',
    start: 0,
    path: '/a/b.php',
    query: 'x=1?y',
    basename: 'b.php',
  })
  t.same(splitTarget('http://u@h:1/p?q#f'), { uri: '/p?q', start: 12, path: '/p', query: 'q', basename: 'p' })
  t.same(splitTarget('https://h?q'), { uri: '?q', start: 9, path: '', query: 'q', basename: '' })
  t.same(splitTarget('http://h'), { uri: '/', start: 8, path: '/', query: undefined, basename: '' })
  t.same(splitTarget('*'), { uri: '*', start: 0, path: '*', query: undefined, basename: '*' })
  t.same(splitTarget('/x\\y'), { uri: '/x\\y', start: 0, path: '/x\\y', query: undefined, basename: 'y' })
  t.same(splitTarget('h:443'), { uri: 'h:443', start: 0, path: 'h:443', query: undefined, basename: 'h:443' })
  t.end()
})

t.test('views on a request', (t) => {
  const tx = transaction({
    method: 'POST',
    target: '/p?a=%31&a=2',
    version: '2.0',
    headers: [
      ['Host', 'shop.example'],
      ['X-A', '1'],
      ['x-a', '2'],
      ['Cookie', 'sid=1'],
      ['cookie', 'b=2'],
    ],
  })
  t.equal(tx.id, '018d0000-0000-7000-8000-000000000001')
  t.equal(tx.method, 'POST')
  t.equal(tx.target, '/p?a=%31&a=2')
  t.equal(tx.path, '/p')
  t.equal(tx.query, 'a=%31&a=2')
  t.equal(tx.protocol, 'HTTP/2.0')
  t.equal(tx.host, 'shop.example')
  t.equal(tx.startedAt, NOW)
  t.same(tx.headers.all('X-a'), ['1', '2'])
  t.equal(tx.headers.get('x-A'), '1')
  t.notOk(tx.headers.has('x-b'))
  t.same(tx.args, [
    { name: 'a', value: '1' },
    { name: 'a', value: '2' },
  ])
  t.equal(tx.args, tx.args, 'parsed once')
  t.same(tx.cookies, [
    { name: 'sid', value: '1' },
    { name: 'b', value: '2' },
  ])
  t.equal(tx.requestBodyText, '')
  tx.setRequestBody({ bytes: new Uint8Array([0x61, 0xff]), complete: true })
  t.equal(tx.requestBodyText, 'a\xff')
  t.equal(tx.response, undefined)
  t.equal(tx.responseHeaders.get('x'), undefined)
  tx.setResponse({ status: 201, headers: [['X', 'y']] })
  t.equal(tx.responseHeaders.get('x'), 'y')
  t.same(tx.truncated, [])
  t.end()
})

t.test('limits are named, each once', (t) => {
  const tx = transaction({
    target: `/?${'a&'.repeat(MAX_FIELDS + 1)}`,
    headers: [['Cookie', 'a;'.repeat(MAX_FIELDS + 1)]],
  })
  t.equal(tx.args.length, MAX_FIELDS)
  t.equal(tx.cookies.length, MAX_FIELDS)
  tx.setRequestBody({ bytes: new Uint8Array(0), complete: false, limit: 'body_total' })
  tx.setResponseBody({ bytes: new Uint8Array(0), complete: false })
  tx.truncate('arguments')
  t.same(tx.truncated, ['arguments', 'cookies', 'body_total', 'response_body'])
  t.end()
})

t.test('any bytes give views', (t) => {
  const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array).toString('latin1'))
  fc.assert(
    fc.property(bytes, bytes, (target, cookie) => {
      const tx = transaction({ target, headers: [['Cookie', cookie]] })
      const { path, query, uri } = splitTarget(target)
      return (
        tx.args.every(({ name, value }) => name.length + value.length <= target.length) &&
        tx.cookies.every(({ name, value }) => name.length + value.length <= cookie.length) &&
        uri === (query === undefined ? path : `${path}?${query}`)
      )
    }),
    { numRuns: 3000 },
  )
  t.end()
})

t.test('parsing takes linear time', (t) => {
  const make: Readonly<Record<string, (n: number) => () => unknown>> = {
    escapes: (n) => () => percentDecode('%41%z+'.repeat(n)),
    fields: (n) => () => parseForm('a=%41&'.repeat(n), Infinity),
    cookies: (n) => () => parseCookies([' a = b ;'.repeat(n)], Infinity),
    targets: (n) => () => splitTarget(`http://${'a.'.repeat(n * 20)}/${'b/'.repeat(n * 20)}`),
  }
  for (const [name, at] of Object.entries(make)) {
    const ratio = growth(at, 5000)
    t.ok(ratio < LINEAR, `${name}: ${ratio.toFixed(1)} times for 8 times the input`)
  }
  t.end()
})
