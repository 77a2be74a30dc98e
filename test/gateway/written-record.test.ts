import fc from 'fast-check'
import t from 'tap'

import type { VerdictRecord } from '../../gateway/verdict-record.js'
import { readRecord, recordText, writeRecord } from '../../gateway/written-record.js'

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('"', '\\', '\u2028', '\ud800', '\x00', '\xe9'),
)
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const defined = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T

const rule = fc.record({
  id: fc.integer({ min: 1, max: 5 }),
  seclang_phase: fc.integer({ min: 0, max: 5 }),
  severity: fc.option(fc.integer({ min: 0, max: 7 })),
  msg: text,
  data: text,
  variable: text,
  sample: text,
  tags: fc.array(text, { maxLength: 3 }),
})

const origin = fc
  .record({
    phase: fc.constantFrom('xss', 'owasp_crs', 'malformed'),
    file: optional(text),
    line: optional(fc.nat()),
    source: optional(
      fc.array(fc.record({ part: fc.constantFrom('line', 'body'), offset: fc.nat(), length: fc.nat() })),
    ),
  })
  .map(defined)

const record = fc
  .record({
    time: fc.constant('2026-01-01T00:00:00.000Z'),
    request_id: fc.uuid({ version: 7 }),
    client_request_id: optional(text),
    client: text,
    request: fc.record({ method: text, uri: text, host: text }),
    verdict: fc.record({
      action: fc.constantFrom('block', 'log'),
      mode: fc.constantFrom('block', 'detect'),
      phase: fc.option(fc.constantFrom('xss', 'request')),
      rule: fc.option(fc.nat()),
      status: fc.nat(599),
      score: fc.integer(),
      truncated: fc.array(text, { maxLength: 2 }),
    }),
    rules: fc.array(rule, { maxLength: 4 }),
    site: text,
    reason: text,
    response_status: fc.nat(599),
    origins: fc.array(origin, { maxLength: 4 }),
  })
  .map(defined)

t.test('a record is written as JSON writes it, and its audit line is the beginning of it', async () => {
  fc.assert(
    fc.property(record, (value) => {
      const written = writeRecord(value as VerdictRecord, 1)
      const { site: _, reason: __, response_status: ___, origins: ____, ...line } = value
      return recordText(written) === JSON.stringify(value) && written.line === JSON.stringify(line)
    }),
  )
})

t.test('a record is read as it was written', async (t) => {
  const [value] = fc.sample(record, 1) as VerdictRecord[]
  if (value === undefined) return
  t.same(JSON.stringify(readRecord(recordText(writeRecord(value, 1)))), JSON.stringify(value))
})
