import { createHmac } from 'node:crypto'
import t from 'tap'
import { EnvelopeError, openEnvelope, sealEnvelope } from '../../../../incidents/agents/tunnel/envelope.js'
import { damage, randomSource } from '../../../proofs/random.js'

const SECRET = 'tunnel secret'
const hmac = (text: string) => `sha256=${createHmac('sha256', SECRET).update(text, 'utf8').digest('hex')}`

/** As the other side's writer would put it: the signed text with `sig` behind it. */
const signed = (text: string, sig = hmac(text)) => `${text.slice(0, -1)},"sig":${JSON.stringify(sig)}}`

const problemOf = (frame: string, secret = SECRET): string | undefined => {
  try {
    openEnvelope(frame, secret)
    return undefined
  } catch (error) {
    return error instanceof EnvelopeError ? error.problem : String(error)
  }
}

void t.test('a message is signed over its compact form with sorted payload keys', async (t) => {
  const frame = sealEnvelope(
    {
      id: 'm1',
      type: 'task.result',
      ts: 1_790_000_000,
      agent_id: 'a',
      payload: { z: 'é', '9': 1, '10': { b: true, a: 'x' } },
    },
    SECRET,
  )
  const text =
    '{"id":"m1","type":"task.result","ts":1790000000,"agent_id":"a","payload":{"10":{"a":"x","b":true},"9":1,"z":"é"}}'
  t.equal(frame, signed(text))
  t.match(openEnvelope(frame, SECRET), { id: 'm1', type: 'task.result', ts: 1_790_000_000, agent_id: 'a' })
})

void t.test(
  'a message of a Rust peer is believed with its own numbers and any order of its keys',
  async (t) => {
    const text =
      '{"id":"m2","type":"task.dispatch","ts":1790000000,"agent_id":"a",' +
      '"payload":{"body":{"big":18446744073709551615,"f":1.0,"none":null},"run_id":"r"}}'
    t.ok(openEnvelope(signed(text), SECRET))
    const mixed =
      `{ "sig":"${hmac(text)}", "payload":{"run_id":"r","body":{"none":null,"f":1.0,"big":18446744073709551615}},` +
      '"agent_id":"a","ts":1790000000,"type":"task.dispatch","id":"m2"}'
    t.ok(openEnvelope(mixed, SECRET))
    t.equal(problemOf(mixed.replace('1.0', '1')), 'bad_signature')
  },
)

void t.test('what is not signed as it stands is refused with a word that the peer knows', async (t) => {
  const text = '{"id":"m3","type":"heartbeat","ts":1790000000,"agent_id":"a","payload":{"alive":true}}'
  const good = signed(text)
  const cases: [string, string][] = [
    ['not json', 'invalid_json'],
    ['[]', 'invalid_json'],
    ['null', 'invalid_json'],
    [text, 'missing_signature'],
    [`${text.slice(0, -1)},"sig":null}`, 'missing_signature'],
    [signed(text, ''), 'bad_signature'],
    [signed(text, hmac(text).toUpperCase()), 'bad_signature'],
    [signed(text, hmac(text).slice('sha256='.length)), 'bad_signature'],
    [signed(text, `sha256=${'0'.repeat(64)}`), 'bad_signature'],
    [good.replace('"alive":true', '"alive":false'), 'bad_signature'],
    [good.replace('heartbeat', 'task.ack'), 'bad_signature'],
    [good.replace('1790000000', '1790000001'), 'bad_signature'],
    [good.replace('"agent_id":"a"', '"agent_id":"b"'), 'bad_signature'],
    [good.replace('{"id"', '{"role":"admin","id"'), 'invalid_json'],
    [good.replace('"alive":true', '"alive":true,"alive":false'), 'invalid_json'],
    [good.replace('1790000000', '1790000000.0'), 'invalid_json'],
    [good.replace('1790000000', '"1790000000"'), 'invalid_json'],
    [good.replace('1790000000', '-1'), 'invalid_json'],
    [good.replace('{"alive":true}', '[]'), 'invalid_json'],
    [good.replace('"m3"', `"${'m'.repeat(201)}"`), 'invalid_json'],
  ]
  t.ok(openEnvelope(good, SECRET))
  for (const [frame, problem] of cases) t.equal(problemOf(frame), problem, frame)
  t.equal(problemOf(good, 'another secret'), 'bad_signature')
})

void t.test('no damage to a frame is believed', async (t) => {
  const random = randomSource(9)
  const frame = Buffer.from(
    sealEnvelope(
      { id: 'm4', type: 'task.ack', ts: 1_790_000_000, agent_id: 'a', payload: { run_id: 'r', n: 12 } },
      SECRET,
    ),
  )
  const truth = openEnvelope(frame.toString(), SECRET)
  for (let i = 0; i < 3000; i++) {
    const text = Buffer.from(damage(frame, random)).toString('utf8')
    try {
      t.strictSame(openEnvelope(text, SECRET), truth)
    } catch (error) {
      if ((error as { code?: string }).code !== 'TUNNEL_ENVELOPE') throw error
    }
  }
})
