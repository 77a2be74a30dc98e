import t from 'tap'
import fc from 'fast-check'
import { asOneString, dataOf, instructionsFor, MAX_DATA } from '../../../incidents/agents/prompt.js'
import type { Incident } from '../../../incidents/incident.js'

const incident = (summaries: readonly string[]): Incident => ({
  id: '01890000-0000-7000-8000-000000000000',
  fingerprint: 'f',
  title: 'Blocked on default: sql injection (rule 1)',
  severity: 'high',
  state: 'open',
  count: 1,
  first_seen: 1,
  last_seen: 2,
  evidence: summaries.map((summary, at) => ({
    event: String(at),
    time: at,
    summary,
    subjects: [{ type: 'url', site: 's', host: summary, path: summary }],
  })),
  issues: [],
})

void t.test('whatever is in the data is inside one string of plain characters', async (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const literal = asOneString({ text })
      const inside = literal.slice(1, -1)
      return (
        /^"[ -~]*"$/.test(literal) &&
        !/[<>&`]/.test(literal) &&
        !/(?:^|[^\\])(?:\\\\)*"/.test(inside) &&
        JSON.stringify(JSON.parse(JSON.parse(literal) as string)) === JSON.stringify({ text })
      )
    }),
    { numRuns: 1000, seed: 2 },
  )
  t.pass('1000 texts')
})

void t.test('evidence is left out from the middle, and counted, until the data fits', async (t) => {
  const summaries = Array.from({ length: 20 }, (_, at) => `${at} ${'\u0000'.repeat(2000)}`)
  const text = dataOf(incident(summaries))
  t.ok(text.length <= MAX_DATA)
  const { evidence, evidence_left_out: left } = JSON.parse(JSON.parse(text) as string) as {
    evidence: { event: string }[]
    evidence_left_out: number
  }
  t.equal(evidence.length + left, 20)
  t.equal(evidence[0]?.event, '0')
  t.equal(evidence.at(-1)?.event, '19')
})

void t.test('instructions hold no word of an incident', async (t) => {
  t.match(instructionsFor(['ban_client']), /ban_client/)
  t.match(instructionsFor([]), /No action may be proposed/)
})
