import t from 'tap'
import { ProofError } from '../../proofs/errors.js'
import { cosigner, encodeVkey, noteSigner, noteVerifier } from '../../proofs/note-key.js'
import {
  agentVerifiers,
  checkpointVerifiers,
  formatPolicy,
  isQuorumMet,
  MAX_POLICY_BYTES,
  parsePolicy,
} from '../../proofs/policy.js'
import { damage, growth, randomSource } from './random.js'
import { policyText, seedOf } from './sample-log.js'

const log = encodeVkey(noteSigner('log.example', seedOf(1)))
const agent = (n: number) => encodeVkey(noteSigner(`agent${n}`, seedOf(100 + n)))
const witness = (n: number) => encodeVkey(cosigner(noteSigner(`w${n}.example`, seedOf(10 + n)), () => 0))

const whole = `# who is trusted
log ${log} https://log.example/

 witness X1\t${witness(1)}
witness X2 ${witness(2)} https://x2.example/
witness X3 ${witness(3)}
group X 2 X1 X2 X3
  # comment
witness Y1 ${witness(4)}
witness Y2 ${witness(5)}
group Y any Y1 Y2
group both all X Y
quorum both
agent ${agent(1)}
agent ${agent(2)} 10-
agent ${agent(3)} 0-99
`

void t.test('a whole policy is read and written', async (t) => {
  const policy = parsePolicy(whole)
  t.same(
    policy.groups.map(({ name, threshold }) => [name, threshold]),
    [
      ['X', 2],
      ['Y', 1],
      ['both', 2],
    ],
  )
  t.equal(policy.quorum, 'both')
  t.equal(policy.logs[0]?.url, 'https://log.example/')
  t.same(
    policy.agents.map(({ first, last }) => [first, last]),
    [
      [0, undefined],
      [10, undefined],
      [0, 99],
    ],
  )
  t.equal(checkpointVerifiers(policy).length, 6)
  t.equal(agentVerifiers(policy).length, 3)
  const again = formatPolicy(policy)
  t.same(formatPolicy(parsePolicy(again)), again)
  t.equal(JSON.stringify(parsePolicy(again)), JSON.stringify(policy))
})

void t.test('a quorum is counted through its groups', async (t) => {
  const policy = parsePolicy(whole)
  const met = (...names: string[]) => isQuorumMet(policy, new Set(names))
  t.ok(met('X1', 'X3', 'Y2'))
  t.ok(met('X1', 'X2', 'X3', 'Y1', 'Y2'))
  t.notOk(met('X1', 'Y1', 'Y2'))
  t.notOk(met('X1', 'X2', 'X3'))
  t.notOk(met())
  t.notOk(met('both'), 'the name of a group is no cosignature')
  t.notOk(met('X', 'Y'))
  t.ok(isQuorumMet(parsePolicy('quorum none\n'), new Set()))
  t.ok(isQuorumMet(parsePolicy(`witness a ${witness(1)}\nquorum a\n`), new Set(['a'])))
  t.notOk(isQuorumMet(parsePolicy(`witness a ${witness(1)}\nquorum a\n`), new Set(['b'])))
})

void t.test('errors name the line', async (t) => {
  const wrong: [string, string, number][] = [
    ['an unknown word', 'quorum none\ntrust me\n', 2],
    ['a log without key', 'log\n', 1],
    ['a log with a bad key', `log ${log}A\n`, 1],
    ['a log with a witness key', `log ${witness(1)}\n`, 1],
    ['a log with too much', `log ${log} a b\n`, 1],
    ['the same log twice', `log ${log}\nlog ${log}\n`, 2],
    ['a witness without key', 'witness a\n', 1],
    ['a witness with a log key', `witness a ${log}\n`, 1],
    ['a witness called none', `witness none ${witness(1)}\n`, 1],
    ['a witness name twice', `witness a ${witness(1)}\nwitness a ${witness(2)}\n`, 2],
    ['the same witness twice', `witness a ${witness(1)}\nwitness b ${witness(1)}\n`, 2],
    ['a group of nobody', `witness a ${witness(1)}\ngroup g any\n`, 2],
    ['a group of the undefined', 'group g any a\n', 1],
    ['a group of itself', `witness a ${witness(1)}\ngroup g any a g\n`, 2],
    ['a group of none', 'group g any none\n', 1],
    ['a member twice', `witness a ${witness(1)}\ngroup g any a a\n`, 2],
    ['a member of two groups', `witness a ${witness(1)}\ngroup g any a\ngroup h any a\n`, 3],
    ['a threshold of 0', `witness a ${witness(1)}\ngroup g 0 a\n`, 2],
    ['a threshold above the members', `witness a ${witness(1)}\ngroup g 2 a\n`, 2],
    ['a threshold that is a word', `witness a ${witness(1)}\ngroup g most a\n`, 2],
    ['a threshold of a prototype', `witness a ${witness(1)}\ngroup g constructor a\n`, 2],
    ['two quorums', 'quorum none\nquorum none\n', 2],
    ['a quorum of the undefined', 'quorum q\n', 1],
    ['a quorum of two', 'quorum none none\n', 1],
    ['a quorum of nothing', 'quorum\n', 1],
    ['an agent without key', 'agent\n', 1],
    ['an agent with a witness key', `agent ${witness(1)}\n`, 1],
    ['an interval without dash', `agent ${agent(1)} 5\n`, 1],
    ['an interval that ends first', `agent ${agent(1)} 5-4\n`, 1],
    ['an interval of words', `agent ${agent(1)} a-b\n`, 1],
    ['an interval of three', `agent ${agent(1)} 1-2-3\n`, 1],
    ['a negative interval', `agent ${agent(1)} -5\n`, 1],
    ['an agent with too much', `agent ${agent(1)} 1-2 x\n`, 1],
    ['the key of the log for an agent', `log ${log}\nagent ${encodeVkey(noteSigner('a', seedOf(1)))}\n`, 2],
    ['a carriage return', 'quorum none\r\n', 1],
    ['a NUL', 'quorum none\0\n', 1],
  ]
  for (const [name, text, line] of wrong)
    t.throws(
      () => parsePolicy(text),
      { code: 'MALFORMED_POLICY', message: new RegExp(`^line ${line}: `) },
      name,
    )
  t.throws(() => parsePolicy('# only a comment\n'), { code: 'MALFORMED_POLICY' }, 'no quorum')
  t.throws(() => parsePolicy(''), { code: 'MALFORMED_POLICY' })
  t.throws(() => parsePolicy(new Uint8Array(MAX_POLICY_BYTES + 1)), { code: 'TOO_LARGE' })
})

void t.test('a key of one role may not have another, whatever its name', async (t) => {
  const shared = noteSigner('any', seedOf(11)).publicKey
  const asWitness = encodeVkey(noteVerifier('w', shared, 4))
  const asAgent = encodeVkey(noteVerifier('a', shared, 1))
  t.throws(() => parsePolicy(`witness w ${asWitness}\nagent ${asAgent}\nquorum w\n`), {
    code: 'MALFORMED_POLICY',
  })
})

void t.test('a weak key is called so', async (t) => {
  t.throws(
    () => parsePolicy('quorum none\nagent weak+d7d95a4e+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n'),
    {
      code: 'WEAK_KEY',
      message: /^line 2: /,
    },
  )
})

void t.test('names are octets: other bytes are another name', async (t) => {
  const line = (name: number[], key: string) =>
    Buffer.concat([Buffer.from('witness '), Buffer.from(name), Buffer.from(` ${key}\n`)])
  const bytes = Buffer.concat([
    line([0x4b], witness(1)),
    line([0xe2, 0x84, 0xaa], witness(2)),
    line([0xff], witness(3)),
    Buffer.from('group g all '),
    Buffer.from([0xff, 0x20, 0xe2, 0x84, 0xaa, 0x0a]),
    Buffer.from('quorum g\n'),
  ])
  const policy = parsePolicy(bytes)
  t.equal(new Set(policy.witnesses.map(({ name }) => name)).size, 3)
  t.same(formatPolicy(parsePolicy(formatPolicy(policy))), formatPolicy(policy))
  t.throws(() => parsePolicy(line([0x61], 'x')), { code: 'MALFORMED_POLICY' })
})

void t.test('hostile policies only ever give a proof error, in linear time', async (t) => {
  const random = randomSource(91)
  const good = Buffer.from(policyText('all'))
  for (let i = 0; i < 3000; i++) {
    try {
      parsePolicy(damage(good, random))
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
  }
  const run = (text: string) => {
    const bytes = Buffer.from(text)
    return () => {
      try {
        parsePolicy(bytes)
      } catch {
        return
      }
    }
  }
  t.ok(growth((n) => run(`quorum none\n${'# comment\n'.repeat(n)}`), 10_000) < 10, 'lines')
  t.ok(growth((n) => run(`quorum none\n${' '.repeat(n)}x`), 100_000) < 10, 'spaces')
  t.ok(growth((n) => run(`group g any ${'a '.repeat(n)}\n`), 10_000) < 10, 'members')
})
