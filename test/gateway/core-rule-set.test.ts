import { join } from 'node:path'
import t from 'tap'

import { ask, startUnderTest, startUpstream } from './gateway-fixture.js'

const RELEASE = {
  'crs-setup.conf.example': 'SecDefaultAction "phase:4,log,auditlog,pass"\n',
  rules: {
    'RESPONSE-951.conf':
      'SecRule RESPONSE_BODY "@contains SQL syntax" "id:951230,phase:4,block,msg:\'Leak\',severity:ERROR,setvar:tx.out=+4"\n',
    'RESPONSE-959.conf':
      'SecRule TX:out "@ge %{tx.outbound_anomaly_score_threshold}" "id:959100,phase:4,deny,msg:\'Outbound\'"\n',
  },
}
const LEAK = 'You have an error in your SQL syntax'

t.test('response rules of a rule set judge real responses, and nothing else is held', async (t) => {
  const upstream = await startUpstream(t, (req, res) => {
    const type = new Map([
      ['/page', 'text/html; charset=utf-8'],
      ['/image', 'image/png'],
      ['/events', 'text/event-stream'],
    ]).get(req.url ?? '')
    res.writeHead(200, { 'content-type': type ?? 'text/html' }).end(req.url === '/good' ? 'fine' : LEAK)
  })
  const dir = t.testdir(RELEASE)
  const start = (settings: object) =>
    startUnderTest(t, upstream.origin, {
      detection: { phases: { owasp_crs: { dir, outbound_threshold: 4, ...settings } } },
    })
  const { port, auditOf } = await start({})
  const refused = await ask(port, '/page')
  t.equal(refused.status, 403)
  t.notMatch(refused.body, /SQL syntax/)
  t.match((await auditOf(1)).at(-1), { verdict: { action: 'block', phase: 'owasp_crs', rule: 951230 } })
  t.match(await ask(port, '/good'), { status: 200, body: 'fine' })
  t.match(await ask(port, '/image'), { status: 200, body: LEAK }, 'a type that is not text')
  t.match(await ask(port, '/events'), { status: 200, body: LEAK }, 'a stream')
  t.match(await ask((await start({ response_bodies: false })).port, '/page'), { status: 200, body: LEAK })
  t.match(await ask((await start({ outbound_threshold: 5 })).port, '/page'), { status: 200, body: LEAK })
})

const data = process.env.PORTCULLIS_TEST_DATA

t.test(
  'the Core Rule Set judges both ways',
  { skip: data === undefined && 'skipped: no data' },
  async (t) => {
    const upstream = await startUpstream(t, (req, res) => {
      res
        .writeHead(200, { 'content-type': 'text/html' })
        .end(
          req.url === '/leak'
            ? `<p>${LEAK}; check the manual that corresponds to your MySQL server version</p>`
            : 'fine',
        )
    })
    const { port, auditOf } = await startUnderTest(t, upstream.origin, {
      detection: {
        phases: {
          owasp_crs: { dir: join(data ?? '', 'crs') },
          sql_injection: { mode: 'off' },
          traversal: { mode: 'off' },
        },
      },
    })
    const headers = { 'user-agent': 'Mozilla/5.0', accept: 'text/html', host: 'shop.example.com' }
    t.match(await ask(port, '/', { headers }), { status: 200, body: 'fine' })
    t.equal((await ask(port, "/?id=1'%20union%20select%201,2--", { headers })).status, 403)
    t.match((await auditOf(1)).at(-1), { verdict: { phase: 'owasp_crs', rule: /^942/ } })
    const leak = await ask(port, '/leak', { headers })
    t.equal(leak.status, 403)
    t.match((await auditOf(2)).at(-1), { verdict: { phase: 'owasp_crs', rule: /^951/ } })
  },
)
