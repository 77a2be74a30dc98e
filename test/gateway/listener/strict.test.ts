import t from 'tap'
import { listenStrict } from '../../../gateway/listener/strict/listen.js'
import { tlsConformance } from '../../conformance/listener-tls.js'
import type { ListenerTraits } from '../../conformance/listener-under-test.js'
import { listenerConformance } from '../../conformance/listener.js'

const traits: ListenerTraits = {
  listen: listenStrict,
  exactNames: true,
  answersMalformed: true,
  http10: true,
  pipelines: true,
  pipelinesUpgrades: true,
  continueByGateway: true,
  informational: true,
  trailers: true,
  configurableTimeouts: true,
  headAtOnce: true,
  upgradeKind: 'raw',
}

await listenerConformance(t, traits)
await t.test('with TLS', (tt) => tlsConformance(tt, traits))
