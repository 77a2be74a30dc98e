import t from 'tap'

import { PLACES, Site } from '../detectors/site.js'
import { ATTACK_VALUES } from './attack-values.js'
import { BENIGN_HEADERS, BENIGN_VALUES } from './benign-values.js'
import { LATER_PROSE, PROSE } from './prose.js'

const site = new Site()

t.test('the packs load without a warning, with ids of our own', async (t) => {
  t.same(site.warnings, [])
  t.ok(site.pipeline.rules.size > 80, String(site.pipeline.rules.size))
  for (const [id, rule] of site.pipeline.rules) {
    if (id < 9_600_000 || id >= 9_700_000) t.fail(`id ${id}`)
    if (id % 1000 >= 100 && id % 1000 < 880 && id > 9_602_000) {
      if (rule.msg === '' || rule.severity === undefined || rule.tags.length < 2)
        t.fail(`rule ${id} lacks msg, severity or tags`)
    }
  }
})

t.test('every attack is refused in every place', async (t) => {
  const all = Object.entries(ATTACK_VALUES).flatMap(([phase, values]) =>
    values.map((value) => ({ phase, value })),
  )
  t.ok(all.length >= 150, `${all.length} attacks`)
  const missed: string[] = []
  for (const { phase, value } of all) {
    for (const [place, put] of Object.entries(PLACES)) {
      const lost = place === 'header' && /[\r\n]/.test(value)
      if (lost) continue
      const { verdict } = site.judge(put(value))
      if (verdict.action !== 'block' || verdict.status !== 403) missed.push(`${phase} | ${place} | ${value}`)
    }
  }
  t.same(missed, [])
})

t.test('what is harmless passes in every place', async (t) => {
  t.ok(BENIGN_VALUES.length >= 150, `${BENIGN_VALUES.length} values`)
  const refused: string[] = []
  for (const value of BENIGN_VALUES) {
    for (const [place, put] of Object.entries(PLACES)) {
      // A path with a dot segment is never innocent, and nobody puts prose there.
      if (place === 'path' && value.includes('..')) continue
      const { verdict, matches } = site.judge(put(value))
      if (verdict.action === 'allow') continue
      const why = matches.filter((m) => m.severity !== undefined).map((m) => `${m.id} ${m.data}`)
      refused.push(`${place} | ${value} | ${why.join(' + ')}`)
    }
  }
  t.same(refused, [])
})

t.test('what people write passes where they write it', async (t) => {
  const refused: string[] = []
  for (const text of [...PROSE, ...LATER_PROSE]) {
    for (const place of ['query', 'form', 'JSON value', 'multipart', 'plain text']) {
      const { verdict, matches } = site.judge(PLACES[place]?.(text) ?? {})
      if (verdict.action === 'allow') continue
      const why = matches.filter((m) => m.severity !== undefined).map((m) => `${m.id} ${m.data}`)
      refused.push(`${place} | ${text} | ${why.join(' + ')}`)
    }
  }
  t.same(refused, [])
})

t.test('real clients pass', async (t) => {
  for (const [client, headers] of BENIGN_HEADERS) {
    const { verdict, matches } = site.judge({ headers, target: '/assets/app.js?v=1.2.3' })
    t.equal(verdict.action, 'allow', `${client} ${matches.map((m) => `${m.id} ${m.data}`).join()}`)
    t.same(
      matches.filter((m) => m.logged),
      [],
      client,
    )
  }
})

t.test('an application being used passes', async (t) => {
  const json = (method: string, target: string, body: unknown) => ({
    method,
    target,
    headers: [['Content-Type', 'application/json'] as const],
    body: Buffer.from(JSON.stringify(body)).toString('latin1'),
  })
  const session = [
    { target: '/' },
    { target: '/login?next=/account/orders' },
    {
      method: 'POST',
      target: '/login',
      headers: [['Content-Type', 'application/x-www-form-urlencoded'] as const],
      body: 'user=anna%40example.com&password=P%40%24%24w0rd%3B2024&remember=on',
    },
    {
      target:
        '/oauth/authorize?response_type=code&client_id=web&redirect_uri=https%3A%2F%2Fapp.example.com%2Fcallback&scope=openid+profile&state=xyz&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    },
    { target: '/products?category=shoes&price_min=10&price_max=200&sort=-price&page=2' },
    { target: '/products/42-blue-suede-shoes_(limited)' },
    { target: '/static/fonts/inter.var.woff2?v=4.0' },
    { target: '/img/600x400/photo%20of%20a%20dog.jpg' },
    json('POST', '/api/orders', {
      customer: { name: "Seán O'Brien", email: 'sean@example.ie' },
      items: Array.from({ length: 40 }, (_, i) => ({
        sku: `A-${i}`,
        title: `Item #${i} "deluxe" & more`,
        qty: i,
        price: 9.99,
      })),
      note: 'Leave it at the back door; ring twice.\nThanks!',
    }),
    json('PATCH', '/api/users/7', [{ op: 'replace', path: '/address/street', value: 'Große Straße 5' }]),
    json('POST', '/graphql', {
      operationName: 'Q',
      query: 'query Q($id: ID!) { user(id: $id) { id name orders { total } } }',
      variables: { id: '7' },
    }),
    json('POST', '/rpc', {
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'search', arguments: { q: 'weather in Paris', limit: 3 } },
    }),
    json('POST', '/api/articles', {
      title: 'How we chose a database',
      body: '## Summary\n\nWe compared three of them. *Reads* were fast, and writes too; see `docs/`.\n\n- one\n- two',
    }),
    { target: '/search?q=where+to+select+a+union+from+the+table' },
    { target: '/feed.xml', headers: [['Accept', 'application/rss+xml'] as const] },
    {
      method: 'POST',
      target: '/feed',
      headers: [['Content-Type', 'application/xml'] as const],
      body: '<?xml version="1.0"?><order id="7"><item sku="A-1">Blue shoes &amp; socks</item></order>',
    },
    {
      method: 'OPTIONS',
      target: '/api/orders',
      headers: [
        ['Origin', 'https://app.example.com'] as const,
        ['Access-Control-Request-Method', 'POST'] as const,
        ['Access-Control-Request-Headers', 'authorization,content-type'] as const,
      ],
    },
    { method: 'GET', target: '/api/empty', headers: [['Content-Type', 'application/json'] as const] },
    {
      method: 'POST',
      target: '/upload',
      headers: [
        ['Content-Type', 'multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW'] as const,
      ],
      body: '------WebKitFormBoundary7MA4YWxkTrZu0gW\r\nContent-Disposition: form-data; name="title"\r\n\r\nMy holiday\r\n------WebKitFormBoundary7MA4YWxkTrZu0gW\r\nContent-Disposition: form-data; name="file"; filename="IMG 0042 (1).JPG"\r\nContent-Type: image/jpeg\r\n\r\n\xff\xd8\xff\xe0\x00\x10JFIF\x00<script>\r\n------WebKitFormBoundary7MA4YWxkTrZu0gW--\r\n',
    },
  ]
  for (const request of session) {
    const { verdict, matches } = site.judge(request)
    t.equal(
      verdict.action,
      'allow',
      `${request.target} ${matches
        .filter((m) => m.severity !== undefined)
        .map((m) => `${m.id} ${m.data}`)
        .join()}`,
    )
    t.same(verdict.truncated, [])
  }
})

t.test('scanners are refused by agent, header and path', async (t) => {
  for (const headers of [
    [['User-Agent', 'sqlmap/1.8#stable (https://sqlmap.org)']],
    [['User-Agent', 'Mozilla/5.00 (Nikto/2.5.0) (Evasions:None) (Test:000001)']],
    [['User-Agent', 'Mozilla/5.0 (compatible; Nmap Scripting Engine; https://nmap.org/book/nse.html)']],
    [['User-Agent', 'Nuclei - Open-source project (github.com/projectdiscovery/nuclei)']],
    [['Acunetix-Product', 'WVS/11.0']],
  ] as const) {
    t.match(site.judge({ headers }).verdict, { action: 'block', phase: 'scanner' }, headers[0][1])
  }
  t.match(site.judge({ target: '/nikto-test-x.html' }).verdict, { action: 'block', phase: 'scanner' })
})

t.test('a body that cannot be read is refused with 400', async (t) => {
  const type = (value: string) => [['Content-Type', value] as const]
  t.match(site.judge({ headers: type('application/json'), body: '{"a":' }).verdict, {
    action: 'block',
    status: 400,
    phase: 'request',
    rule: 9_601_010,
  })
  t.match(site.judge({ headers: type('application/xml'), body: '<a><b></a>' }).verdict, {
    action: 'block',
    status: 400,
  })
  const deep = '['.repeat(300) + ']'.repeat(300)
  t.match(site.judge({ headers: type('application/json'), body: deep }).verdict, {
    action: 'block',
    status: 400,
  })
})

t.test('a body that hides behind its coding or character set is refused', async (t) => {
  const post = (headers: readonly (readonly [string, string])[]) =>
    site.judge({ headers, body: '+ADw-script+AD4-' }).verdict
  const form = ['Content-Type', 'application/x-www-form-urlencoded'] as const
  t.match(post([form, ['Content-Encoding', 'gzip']]), { action: 'block', status: 415, phase: 'request' })
  t.match(post([form, ['Content-Encoding', 'identity']]), { action: 'allow' })
  t.match(
    post([
      ['Content-Type', 'application/octet-stream'],
      ['Content-Encoding', 'gzip'],
    ]),
    { action: 'allow' },
  )
  for (const charset of ['utf-7', 'UTF-16LE', '"ibm037"', 'cp500']) {
    t.match(
      post([['Content-Type', `application/x-www-form-urlencoded; charset=${charset}`]]),
      { action: 'block', status: 415 },
      charset,
    )
  }
  t.match(post([['Content-Type', 'application/x-www-form-urlencoded; charset=utf-8']]), { action: 'allow' })
})

t.test('JSON that declares no type, or plain text, is judged', async (t) => {
  const body = JSON.stringify({ a: "1' UNION SELECT 1,2" })
  t.match(site.judge({ headers: [['Content-Type', 'text/plain;charset=UTF-8']], body }).verdict, {
    action: 'block',
    phase: 'sql_injection',
  })
  t.match(site.judge({ headers: [['Content-Length', String(body.length)]], body }).verdict, {
    action: 'block',
    phase: 'sql_injection',
  })
})

t.test('attacks in XML text and attributes are refused', async (t) => {
  const xml = (body: string) =>
    site.judge({ headers: [['Content-Type', 'application/soap+xml']], body }).verdict
  t.match(xml("<a><b>1' UNION SELECT 1,2</b></a>"), { action: 'block', phase: 'sql_injection' })
  t.match(xml('<a b="../../etc/passwd"/>'), { action: 'block', phase: 'traversal' })
})
