import t from 'tap'
import { ROUTES } from '../../../ledger/api/routes.js'
import { ask, start, TOKEN } from '../sample-role.js'

void t.test('reads over TCP need the token when the configuration says so', async (t) => {
  const data = t.testdir()
  const running = await start(data, { tcp: true, config: { reads: 'token' } })
  t.teardown(() => running.stop())
  const where = `http://${running.role.info['listen']}`
  const headers = { authorization: `Bearer ${TOKEN}` }
  for (const { path, method } of ROUTES.filter(({ access }) => access === 'read')) {
    const target = path.replaceAll(/\{\w+\}/g, '0')
    t.equal((await ask(where, target, { method })).status, 401, `${method} ${target}`)
  }
  for (const target of ['/checkpoint', '/v1/consistency?from=1', '/metrics', '/.well-known/ledger-policy']) {
    t.not((await ask(where, target, { headers })).status, 401, target)
    t.not((await ask(data, target)).status, 401, 'the socket asks for none')
  }
  for (const target of ['/health', '/openapi.json']) t.equal((await ask(where, target)).status, 200, target)
})
