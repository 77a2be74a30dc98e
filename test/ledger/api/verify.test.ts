import t from 'tap'
import { verificationReport } from '../../../proofs/report.js'
import { verifyBundle } from '../../../proofs/verify.js'
import { bundleBytes, INDEXES, sessionLog } from '../../proofs/sample-session.js'
import { policyText } from '../../proofs/sample-log.js'
import { agent, note, trust } from '../sample-log.js'
import { ask, jsonOf, post, start } from '../sample-role.js'

const verify = (where: string, question: object | string, type = 'application/json') =>
  ask(where, '/v1/verify', {
    method: 'POST',
    headers: { 'content-type': type },
    body: Buffer.from(typeof question === 'string' ? question : JSON.stringify(question)),
  })

void t.test('a verdict over HTTP is the one of the library', async (t) => {
  const data = t.testdir()
  t.teardown(() => running.stop())
  const alice = agent('alice')
  await trust(data, alice)
  const running = await start(data)
  await post(data, note(alice))
  const receipt = (await ask(data, '/v1/entries/0/receipt')).body.toString()
  const own = (await ask(data, '/.well-known/ledger-policy')).body.toString()
  const log = sessionLog()
  const questions = [
    { bundle: receipt, policy: own },
    { bundle: receipt, policy: own, session: 'another' },
    { bundle: receipt, policy: policyText() },
    { bundle: Buffer.from(bundleBytes(log)).toString(), policy: policyText() },
    { bundle: Buffer.from(bundleBytes(log, INDEXES.slice(1))).toString(), policy: policyText() },
    { bundle: 'x', policy: 'y' },
  ]
  const codes: unknown[] = []
  for (const question of questions) {
    const answer = await verify(data, question)
    t.equal(answer.status, 200)
    const { bundle, policy, ...options } = question
    const expected = verificationReport(verifyBundle(Buffer.from(bundle), policy, options))
    t.same(jsonOf(answer), JSON.parse(JSON.stringify(expected)))
    codes.push(jsonOf(answer)['code'])
  }
  t.same(codes, [undefined, 'wrong_session', 'unknown_key', undefined, 'seq_gap', 'malformed_policy'])
})

void t.test('a question that is none, or too large, is refused', async (t) => {
  const data = t.testdir()
  const running = await start(data)
  t.teardown(() => running.stop())
  t.equal((await verify(data, 'no json')).status, 400)
  t.equal((await verify(data, { bundle: 'x' })).status, 400, 'the policy is never its own')
  t.equal((await verify(data, { bundle: 'x', policy: 'y', key: 'z' })).status, 400)
  t.equal((await verify(data, '{}', 'text/plain')).status, 415)
  t.equal((await verify(data, { bundle: 'x'.repeat(1024 * 1024), policy: '' })).status, 413)
})
