import t from 'tap'

import { readVerdict } from '../../gateway/verdict-store.js'
import { ask, echo, startUnderTest, startUpstream } from './gateway-fixture.js'

t.test('two threads share one port, one audit log and the limits', async (t) => {
  const upstream = await startUpstream(t, echo)
  const { port, gateway, auditOf, dataDir } = await startUnderTest(t, upstream.origin, {
    listener: 'uws',
    config: { threads: 2 },
    detection: { phases: { rate_limit: { limits: [{ requests: 30, per: 3600 }] } } },
  })
  t.equal(gateway.threads, 2)
  const replies = await Promise.all(Array.from({ length: 40 }, () => ask(port, '/')))
  t.equal(replies.filter(({ status }) => status === 200).length, 30)
  const limited = replies.filter(({ status }) => status === 429)
  t.equal(limited.length, 10)
  t.match(limited[0]?.headers, { 'retry-after': /^\d+$/ })
  const lines = await auditOf(10)
  t.equal(new Set(lines.map(({ request_id: id }) => id)).size, 10)
  t.ok(await readVerdict(dataDir, lines[0]?.request_id ?? ''))
  t.match(
    await gateway.metrics(),
    /portcullis_verdicts_total\{phase="rate_limit",action="block",mode="block",[^}]*thread="/,
  )
  t.equal(gateway.checks['threads']?.(), undefined)
})
