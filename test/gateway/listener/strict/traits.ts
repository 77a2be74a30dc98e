import { listenStrict } from '../../../../gateway/listener/strict/listen.js'
import type { ListenerTraits } from '../../../conformance/listener-under-test.js'

/** Our own listener differs in nothing. */
export const traits: ListenerTraits = {
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
