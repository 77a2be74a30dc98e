import t from 'tap'
import { cosigner, encodeVkey } from '../../../proofs/note-key.js'
import { witnessConfig } from '../../../ledger/witness/config.js'
import { SampleTree } from './sample-tree.js'

const log = new SampleTree()

void t.test('a log is named by its vkey, and has limits', async (t) => {
  t.match(witnessConfig.parse({}), { listen: '127.0.0.1:8092', admin: '127.0.0.1:9092', logs: [] })
  t.same(witnessConfig.parse({ logs: [{ vkey: log.vkey }] }).logs, [
    { vkey: log.vkey, max_body_bytes: 65_536, requests_per_minute: 1200 },
  ])
})

void t.test('what is no key of a log is refused', async (t) => {
  const witness = encodeVkey(cosigner(log.signer, () => 0))
  for (const vkey of ['', 'x', `${log.vkey}=`, witness])
    t.throws(() => witnessConfig.parse({ logs: [{ vkey }] }), /vkey/, vkey)
  t.throws(() => witnessConfig.parse({ logs: [{ vkey: log.vkey, url: 'x' }] }))
  t.throws(() => witnessConfig.parse({ listen: 'nowhere' }), /HOST:PORT/)
})
