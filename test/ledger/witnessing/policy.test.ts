import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { generateSeed } from '../../../proofs/ed25519.js'
import { cosigner, encodeVkey, noteSigner } from '../../../proofs/note-key.js'
import { parsePolicy } from '../../../proofs/policy.js'
import { checkWitnessPolicy, readWitnessPolicy } from '../../../ledger/witnessing/policy.js'

const seed = generateSeed()
const signer = noteSigner('log.example/0123456789abcdef', seed)
const identity = { origin: signer.name, vkey: encodeVkey(signer), signer }
const witness = encodeVkey(cosigner(noteSigner('witness.example', generateSeed()), () => 0))
const agent = encodeVkey(noteSigner('alice', generateSeed()))
const good = `witness a ${witness} https://witness.example/w\nquorum a\n`

void t.test('a policy is read inline or from a file', async (t) => {
  const file = join(t.testdir(), 'policy')
  await writeFile(file, good)
  for (const source of [{ policy: good }, { policy_file: file }])
    t.match(await readWitnessPolicy(source), {
      quorum: 'a',
      witnesses: [{ url: 'https://witness.example/w' }],
    })
})

void t.test('a policy that nothing could come of is refused, with its place', async (t) => {
  const wrong: [policy: string, message: RegExp][] = [
    ['', /ledger\.witnesses\.policy: .*no quorum line/],
    ['quorum none\n', /quorum none asks for no witness/],
    [`witness a ${witness}\nquorum a\n`, /the witness a has no URL/],
    [`witness a ${witness} nowhere\nquorum a\n`, /the witness a has no URL/],
    [`${good}agent ${agent}\n`, /agent and anchor lines/],
    ['quorum a\n', /line 1: a is not defined/],
    [`witness a ${agent} https://x\nquorum a\n`, /line 1: the signature type/],
  ]
  for (const [policy, message] of wrong)
    await t.rejects(readWitnessPolicy({ policy }), { code: 'BAD_WITNESSES', message })
  const missing = join(t.testdir(), 'none')
  await t.rejects(readWitnessPolicy({ policy_file: missing }), {
    code: 'BAD_WITNESSES',
    message: /none.*ENOENT/,
  })
})

void t.test('a policy of another log, or with the key of this one, is not its own', async (t) => {
  const check = (text: string) => () => checkWitnessPolicy(parsePolicy(text), identity)
  check(good)()
  check(`log ${identity.vkey}\n${good}`)()
  const other = encodeVkey(noteSigner('other.example', generateSeed()))
  t.throws(check(`log ${other}\n${good}`), { code: 'BAD_WITNESSES', message: /other logs than log\.example/ })
  const own = encodeVkey(cosigner(signer, () => 0))
  t.throws(check(`witness me ${own} https://x/\nquorum me\n`), { code: 'BAD_WITNESSES', message: /own key/ })
})
