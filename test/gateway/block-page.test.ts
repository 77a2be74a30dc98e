import t from 'tap'

import { blockPage, prefersJson } from '../../gateway/block-page.js'

t.test('a browser gets HTML, an API client JSON', (t) => {
  const json = [
    'text/html;q=0.1, application/json',
    'text/html;q=0.1, */*;q=0.9',
    'text/htmlx, application/json',
    'application/json',
    'application/json, text/html;q=0.5',
    'application/*, text/html;q=0.1',
  ]
  const html = [
    'text/html,application/xhtml+xml',
    '*/*',
    'text/*;q=0.9, application/json;q=0.1',
    'application/json;q=0',
    'text/html, application/json',
    'TEXT/HTML ,application/json;q=1',
    'text/html',
    '',
  ]
  for (const accept of json) t.ok(prefersJson([['Accept', accept]]), accept)
  for (const accept of html) t.notOk(prefersJson([['accept', accept]]), accept)
  t.notOk(prefersJson([]))
  const twice = (one: string, other: string) =>
    prefersJson([
      ['Accept', one],
      ['X-Accept', 'text/html'],
      ['accept', other],
    ])
  t.ok(twice('text/html;q=0.5', 'application/json'), 'the field may come twice')
  t.notOk(twice('application/json;q=0.5', 'text/html'))
  t.ok(twice('', 'application/json'))
  t.end()
})

t.test('the page shows status and request id and is never cached', (t) => {
  for (const status of [400, 403, 408, 413, 429, 500, 502, 503, 504, 418]) {
    const page = blockPage(status, 'the-id', [])
    t.match(page.body, /the-id/)
    t.match(page.body, new RegExp(String(status)))
    t.match(page.headers, [['Content-Type', /html/]])
    t.ok(page.headers.some(([name, value]) => name === 'Cache-Control' && value === 'no-store'))
  }
  t.end()
})

t.test('nothing of the request is in the page', (t) => {
  const page = blockPage(403, 'the-id', [
    ['Accept', 'text/html'],
    ['X-Evil', '<script>'],
  ])
  t.notMatch(page.body, /<script/)
  t.end()
})
