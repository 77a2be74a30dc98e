import t from 'tap'
import { listenNode } from '../../../gateway/listener/node/listen.js'
import { listenerConformance } from '../../conformance/listener.js'

await listenerConformance(t, {
  listen: listenNode,
  exactNames: true,
  answersMalformed: true,
  http10: true,
  pipelines: true,
  continueByGateway: true,
  informational: true,
  trailers: true,
  configurableTimeouts: true,
  headAtOnce: true,
  upgradeKind: 'raw',
})
