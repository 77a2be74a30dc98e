import t from 'tap'
import fc from 'fast-check'
import { readResult } from '../../../../incidents/agents/command/output.js'
import { uuidv7 } from '../../../../runtime/uuid.js'
import { growth } from '../../../proofs/random.js'

const RUN = uuidv7(Date.now())
const ANSWER = { run_id: RUN, status: 'success', summary: 'é {}', proposed_actions: [] }

void t.test('a result is found alone, in a fence, and in the envelope of claude-code', async (t) => {
  const { run_id: _, ...bare } = ANSWER
  const json = JSON.stringify(ANSWER)
  for (const text of [
    json,
    `\n ${json}\n`,
    JSON.stringify(bare),
    'Here it is:\n```json\n' + JSON.stringify(ANSWER, null, 2) + '\n```\n',
    JSON.stringify({ type: 'result', subtype: 'success', is_error: false, result: json, session_id: 'x' }),
    JSON.stringify({ type: 'result', result: '```json\n' + json + '\n```' }),
  ])
    t.strictSame(readResult(text, RUN), ANSWER, text)
})

void t.test('anything else is no result', async (t) => {
  const refused: unknown[] = [
    '',
    'done.',
    [],
    { ...ANSWER, run_id: uuidv7(Date.now()) },
    { ...ANSWER, run_id: 7 },
    { ...ANSWER, status: 'ok' },
    { ...ANSWER, shell: 'rm -rf /' },
    { ...ANSWER, summary: 'x'.repeat(8193) },
    { ...ANSWER, proposed_actions: Array.from({ length: 17 }, () => ({ action: 'a', subject: 'b' })) },
    { ...ANSWER, proposed_actions: [{ action: 'Ban Client', subject: 'x' }] },
    { ...ANSWER, proposed_actions: [{ action: 'ban_client', subject: 'x', command: 'id' }] },
    { ...ANSWER, proposed_actions: [{ action: 'ban_client', subject: 'x', seconds: -1 }] },
    { type: 'result', result: 'I could not do it.' },
    { type: 'result', is_error: true },
  ]
  for (const value of refused) {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    t.throws(() => readResult(text, RUN), { code: 'RUN_RESULT_INVALID' }, text.slice(0, 120))
  }
})

void t.test('hostile output is a result or refused with our code, in linear time', async (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.json(),
        fc.string().map((text) => `{${text}}`),
      ),
      (text) => {
        try {
          return readResult(text, RUN).run_id === RUN
        } catch (error) {
          return (error as { code?: string }).code === 'RUN_RESULT_INVALID'
        }
      },
    ),
    { numRuns: 1000, seed: 4 },
  )
  const run = (text: string) => () => {
    try {
      readResult(text, RUN)
    } catch {
      return
    }
  }
  t.ok(growth((n) => run('{'.repeat(n)), 50_000) < 10)
  t.ok(growth((n) => run(`x{"a":"${'}{'.repeat(n)}`), 50_000) < 10)
})
