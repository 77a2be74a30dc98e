import t from 'tap'
import { listenNode } from '../../../gateway/listener/node/listen.js'
import { selfTest } from '../../../gateway/listener/self-test.js'
import { SELF_TEST_CASES } from '../../../gateway/listener/self-test-cases.js'
import { listenUws } from '../../../gateway/listener/uws/listen.js'
import type { Exchange, Listener, ListenOptions } from '../../../gateway/listener/listener.js'

await t.test('the node listener keeps the listener rule', async (t) => {
  const { ran, failures } = await selfTest(listenNode)
  t.same(failures, [])
  t.equal(ran, SELF_TEST_CASES.length)
  t.ok(ran >= 50, `${ran} cases ran`)
})

await t.test(
  'the uws listener of this build does not, and the first failure is enough to know',
  async (t) => {
    const { ran, failures } = await selfTest(listenUws)
    t.equal(failures.length, 1)
    t.ok(ran < SELF_TEST_CASES.length)
    t.match(failures, [{ name: /high byte/, problem: 'the header fields differ' }])
  },
)

await t.test('every way of breaking the rule is found', async (t) => {
  const breaks: Record<string, (options: ListenOptions) => ListenOptions> = {
    'a listener that reports nothing': (options) => ({ ...options, onMalformed: () => undefined }),
    'a listener that changes a target': (options) => ({
      ...options,
      onExchange: (exchange) => options.onExchange(changed(exchange, { target: `${exchange.target}x` })),
    }),
    'a listener that changes a method': (options) => ({
      ...options,
      onExchange: (exchange) => options.onExchange(changed(exchange, { method: 'GET' })),
    }),
    'a listener that drops a field': (options) => ({
      ...options,
      onExchange: (exchange) =>
        options.onExchange(changed(exchange, { headers: exchange.headers.slice(0, -1) })),
    }),
    'a listener that answers by itself': (options) => ({
      ...options,
      onExchange: (exchange) => exchange.respond(204, []),
    }),
    'a listener that says nothing': (options) => ({ ...options, onExchange: () => undefined }),
    'a listener that throws': (options) => ({
      ...options,
      onExchange: () => {
        throw new Error('thrown')
      },
    }),
  }
  for (const [name, broken] of Object.entries(breaks)) {
    const listen = (options: ListenOptions): Promise<Listener> => listenNode(broken(options))
    const { failures } = await selfTest(listen)
    t.equal(failures.length, 1, name)
  }
})

/** The same exchange, seen with some of its facts replaced. */
function changed(exchange: Exchange, facts: Partial<Exchange>): Exchange {
  return new Proxy(exchange, {
    get: (target, key): unknown => {
      if (key in facts) return Reflect.get(facts, key)
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
}
