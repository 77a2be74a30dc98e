import t from 'tap'
import { Validator } from '@seriousme/openapi-schema-validator'
import { openApiDocument } from '../../../ledger/api/openapi.js'
import { ROUTES } from '../../../ledger/api/routes.js'
import { ask, jsonOf, start } from '../sample-role.js'

void t.test('the document is valid OpenAPI 3.1 and names every route', async (t) => {
  const document = openApiDocument(ROUTES)
  const validator = new Validator()
  const result = await validator.validate(structuredClone(document) as never)
  t.equal(result.valid, true, JSON.stringify(result.errors))
  t.equal(validator.version, '3.1')
  const operations = Object.values(document.paths).flatMap((path) => Object.values(path))
  t.equal(operations.length, ROUTES.length)
  t.equal(new Set(operations.map(({ operationId }) => operationId)).size, ROUTES.length)
  for (const { path, parameters } of ROUTES) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    t.same(Object.keys(parameters.shape), named, path)
  }
})

void t.test('it is served', async (t) => {
  const data = t.testdir()
  const running = await start(data)
  t.teardown(() => running.stop())
  const answer = await ask(data, '/openapi.json')
  t.equal(answer.status, 200)
  t.same(jsonOf(answer), JSON.parse(JSON.stringify(openApiDocument(ROUTES))))
})
