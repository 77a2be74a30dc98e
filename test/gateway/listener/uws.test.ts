import t from 'tap'
import { listenUws } from '../../../gateway/listener/uws/listen.js'
import { listenerConformance } from '../../conformance/listener.js'

await listenerConformance(t, {
  listen: listenUws,
  exactNames: false,
  answersMalformed: false,
  http10: false,
  pipelines: false,
  pipelinesUpgrades: false,
  continueByGateway: false,
  informational: false,
  trailers: false,
  configurableTimeouts: false,
  headAtOnce: false,
  upgradeKind: 'websocket',
})
