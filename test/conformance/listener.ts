import type { Test } from 'tap'
import type { ListenerTraits } from './listener-under-test.js'
import { abortTests } from './listener-aborts.js'
import { closeTests } from './listener-close.js'
import { fuzzTests } from './listener-fuzz.js'
import { malformedTests } from './listener-malformed.js'
import { requestTests } from './listener-requests.js'
import { responseTests } from './listener-responses.js'
import { streamTests } from './listener-streams.js'
import { timeoutTests } from './listener-timeouts.js'
import { upgradeTests } from './listener-upgrades.js'

/**
 * The conformance suite of listeners, run once per implementation. Where an implementation has a limit the suite expects the
 * named outcome of that limit, never a silent difference.
 */
export async function listenerConformance(t: Test, traits: ListenerTraits): Promise<void> {
  await t.test('requests', (tt) => requestTests(tt, traits))
  await t.test('responses', (tt) => responseTests(tt, traits))
  await t.test('streams', (tt) => streamTests(tt, traits))
  await t.test('aborts', (tt) => abortTests(tt, traits))
  await t.test('malformed input', (tt) => malformedTests(tt, traits))
  await t.test('timeouts', (tt) => timeoutTests(tt, traits))
  await t.test('upgrades', (tt) => upgradeTests(tt, traits))
  await t.test('graceful close', (tt) => closeTests(tt, traits))
  await t.test('fuzz', (tt) => fuzzTests(tt, traits))
}
