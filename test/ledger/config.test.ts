import t from 'tap'
import { generateSeed } from '../../proofs/ed25519.js'
import { cosigner, encodeVkey, noteSigner } from '../../proofs/note-key.js'
import { ledgerConfig, splitListen } from '../../ledger/config.js'

void t.test('nothing has to be configured', (t) => {
  t.same(ledgerConfig.parse({}), {
    reads: 'open',
    max_body_bytes: 8 * 1024 * 1024,
    segment_bytes: 32 * 1024 * 1024,
    anchors: [],
  })
  t.end()
})

void t.test('each key has its bounds', (t) => {
  const bad: Record<string, unknown>[] = [
    { reads: 'token' },
    { unknown: 1 },
    { name: 'Upper' },
    { name: 'a b' },
    { name: '' },
    { origin: 'no-hash' },
    { origin: 'two words/0123456789abcdef' },
    { listen: '8090' },
    { listen: 'host:99999' },
    { token: 'the-token-itself' },
    { token: 'env:' },
    { max_body_bytes: 1 },
    { segment_bytes: 2 ** 40 },
  ]
  for (const config of bad) t.notOk(ledgerConfig.safeParse(config).success, JSON.stringify(config))
  const good: Record<string, unknown>[] = [
    { name: 'log.example.org' },
    { origin: 'log.example.org/0123456789abcdef' },
    { listen: '[::1]:0', token: 'env:LEDGER_TOKEN' },
    { listen: '127.0.0.1:8090', token: 'file:/run/secrets/ledger' },
  ]
  for (const config of good) t.ok(ledgerConfig.safeParse(config).success, JSON.stringify(config))
  t.same(splitListen('[::1]:80'), { host: '::1', port: 80 })
  t.end()
})

void t.test('witnesses come by one policy, inline or as a file', async (t) => {
  const key = cosigner(noteSigner('witness.example', generateSeed()), () => 0)
  const policy = `witness a ${encodeVkey(key)} https://witness.example/\nquorum a\n`
  t.match(ledgerConfig.parse({ witnesses: { policy } }).witnesses, {
    failure: 'closed',
    refresh_seconds: 300,
    timeout_seconds: 5,
  })
  for (const witnesses of [{}, { policy, policy_file: 'y' }, { policy, refresh_seconds: 601 }])
    t.throws(() => ledgerConfig.parse({ witnesses }))
  t.throws(() => ledgerConfig.parse({ witnesses: { policy: 'quorum a' } }), /line 1: a is not defined above/)
})
