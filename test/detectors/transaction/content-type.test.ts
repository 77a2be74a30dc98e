import t from 'tap'
import type { HeaderList } from '../../../detectors/request.js'
import { joinContentTypes } from '../../../detectors/transaction/content-type.js'

t.test('several types become the one value that all readers see', async (t) => {
  const headers: HeaderList = [
    ['Host', 'a.test'],
    ['content-type', 'application/json'],
    ['X-A', '1'],
    ['Content-Type', 'application/xml'],
  ]
  t.strictSame(joinContentTypes(headers), [
    ['Host', 'a.test'],
    ['content-type', 'application/json, application/xml'],
    ['X-A', '1'],
  ])
})

t.test('one type, or none, is left as it came', async (t) => {
  for (const headers of [[['Host', 'a.test']], [['Content-Type', 'text/plain']]] as const)
    t.equal(joinContentTypes(headers), headers)
})
