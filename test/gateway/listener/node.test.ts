import t from 'tap'
import { listenNode } from '../../../gateway/listener/node/listen.js'
import { tlsConformance } from '../../conformance/listener-tls.js'
import type { ListenerTraits } from '../../conformance/listener-under-test.js'
import { listenerConformance } from '../../conformance/listener.js'

const traits: ListenerTraits = {
  listen: listenNode,
  exactNames: true,
  answersMalformed: true,
  http10: true,
  pipelines: true,
  pipelinesUpgrades: false,
  continueByGateway: true,
  informational: true,
  trailers: true,
  configurableTimeouts: true,
  headAtOnce: true,
  upgradeKind: 'raw',
}

await listenerConformance(t, traits)
await t.test('with TLS', (tt) => tlsConformance(tt, traits))
