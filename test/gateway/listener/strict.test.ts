import t from 'tap'
import { tlsConformance } from '../../conformance/listener-tls.js'
import { listenerConformance } from '../../conformance/listener.js'
import { traits } from './strict/traits.js'

await listenerConformance(t, traits)
await t.test('with TLS', (tt) => tlsConformance(tt, traits))
