import fc from 'fast-check'
import t from 'tap'

import { parseTraceparent, startTrace } from '../../../runtime/telemetry/trace-context.js'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const VALID = `00-${TRACE}-${SPAN}-01`

void t.test('reads version 00, and what it knows of a later version', async (t) => {
  t.strictSame(parseTraceparent(VALID), { traceId: TRACE, spanId: SPAN, flags: 1 })
  t.strictSame(parseTraceparent(`cc-${TRACE}-${SPAN}-00-what-comes`), {
    traceId: TRACE,
    spanId: SPAN,
    flags: 0,
  })
})

void t.test('refuses what is not valid', async (t) => {
  for (const field of [
    undefined,
    '',
    VALID.toUpperCase(),
    `${VALID}-x`,
    `${VALID} `,
    VALID.slice(1),
    `ff-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01x`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `cc-${TRACE}-${SPAN}-01-${'x'.repeat(1000)}`,
  ])
    t.equal(parseTraceparent(field), undefined, String(field))
})

void t.test('follows the caller: same trace, its span as parent, its decision', async (t) => {
  for (const [flags, sampled] of [
    ['01', true],
    ['00', false],
    ['03', true],
  ] as const) {
    const trace = startTrace(`00-${TRACE}-${SPAN}-${flags}`, 0.5)
    t.match(trace, { traceId: TRACE, parentSpanId: SPAN, sampled })
    t.not(trace.spanId, SPAN)
    t.equal(trace.traceparent, `00-${TRACE}-${trace.spanId}-${sampled ? '01' : '00'}`)
  }
})

void t.test('passes the field on as it is when nobody listens', async (t) => {
  t.match(startTrace(VALID, undefined), { traceparent: VALID, sampled: false })
  const own = startTrace(undefined, undefined)
  t.equal(own.sampled, false)
  t.ok(parseTraceparent(own.traceparent))
})

void t.test('samples its own traces by the ratio', async (t) => {
  const sampled = (ratio: number) =>
    Array.from({ length: 4000 }, () => startTrace(undefined, ratio)).filter((trace) => trace.sampled).length
  t.equal(sampled(0), 0)
  t.equal(sampled(1), 4000)
  const quarter = sampled(0.25)
  t.ok(quarter > 800 && quarter < 1200, String(quarter))
})

void t.test('whatever comes in, what goes on is valid', async (t) => {
  const field = fc.oneof(
    fc.string({ maxLength: 80 }),
    fc
      .array(fc.constantFrom('0', '1', '7', 'a', 'f', '-', '00', 'ff'), { maxLength: 60 })
      .map((parts) => parts.join('')),
    fc
      .tuple(fc.nat({ max: 54 }), fc.string({ minLength: 1, maxLength: 1 }))
      .map(([at, char]) => VALID.slice(0, at) + char + VALID.slice(at + 1)),
  )
  t.doesNotThrow(() =>
    fc.assert(
      fc.property(field, fc.constantFrom(undefined, 0, 1), (text, ratio) => {
        const trace = startTrace(text, ratio)
        return parseTraceparent(trace.traceparent)?.traceId === trace.traceId
      }),
      { numRuns: 3000, seed: 3 },
    ),
  )
})
