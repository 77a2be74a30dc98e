import t from 'tap'
import {
  CHECK_NAMES,
  encodeVkey,
  formatAction,
  formatSessionBundle,
  noteSigner,
  sealBatch,
  signAction,
  signNote,
  verifyBundle,
} from '../../proofs/index.js'
import type { ProofCode, SessionBundle, Verification } from '../../proofs/index.js'
import { damage, randomSource } from './random.js'
import {
  actionOf,
  agentKey,
  approverKey,
  logKey,
  policyText,
  seedOf,
  session,
  strangerKey,
  uuidOf,
  witnessKeys,
} from './sample-log.js'
import { bundleBytes, bundleOf, closing, INDEXES, OTHER, SEAL, sessionLog } from './sample-session.js'
import type { Change } from './sample-session.js'

const policy = policyText()
const log = sessionLog()
const checkOf = (verdict: Verification, name: string) => verdict.checks.find((check) => check.name === name)

void t.test('a closed session verifies offline, with every check reported', async (t) => {
  const verdict = verifyBundle(bundleBytes(log), policy)
  t.equal(verdict.ok, true)
  t.same(
    verdict.checks.map(({ name, result }) => `${name} ${result}`),
    CHECK_NAMES.map((name) => `${name} ${['quorum', 'anchor'].includes(name) ? 'not-checked' : 'pass'}`),
  )
  t.match(verdict, { origin: logKey.name, size: 14 })
  t.match(verdict.session, {
    name: session,
    state: 'closed',
    entries: 11,
    agents: [
      { agent: 'gateway', state: 'closed', count: 8 },
      { agent: 'approver', state: 'closed', count: 2 },
    ],
  })
  t.equal(verifyBundle(bundleBytes(log), policy, { session }).ok, true)
  t.equal(verifyBundle(bundleBytes(log), policy, { session: OTHER }).code, 'wrong_session')
})

void t.test('completeness is told: closed, open, gap, forked, truncated', async (t) => {
  const without = (...gone: number[]) => INDEXES.filter((index) => !gone.includes(index))
  const judge = (indexes: readonly number[], over: Partial<SessionBundle> = {}, changes: Change[] = []) =>
    verifyBundle(bundleBytes(sessionLog(changes), indexes, over), policy)
  const open = judge(without(12))
  t.match(open, { ok: true, session: { state: 'open' } })
  t.match(checkOf(open, 'completeness')?.message, /could be missing/)
  t.match(
    judge(without(9, 10)),
    { ok: true, session: { state: 'open' } },
    'a participant who is not heard of',
  )
  t.match(judge(without(2)), { ok: false, code: 'seq_gap', session: { state: 'gap' } })
  t.match(judge(without(1)), { code: 'seq_gap' }, 'the head is missing')
  t.match(judge(without(4, 5, 6, 7, 8)), {
    code: 'seq_gap',
    session: { agents: [{ gaps: [{ first: 2, last: 5 }] }] },
  })
  t.match(judge(without(11)), { code: 'seq_gap' }, 'the close counts one more')
  const fork = signAction(actionOf(1, { id: uuidOf(60) }), [agentKey])
  t.match(judge([...INDEXES, 13], {}, [{ at: 13, entry: fork }]), {
    code: 'forked',
    session: { state: 'forked', agents: [{ forks: [1] }] },
  })
  t.match(judge(without(1, 2), { from: 4 }), { code: 'truncated', session: { state: 'truncated' } })
  t.match(judge(without(12), { next: 12 }), { code: 'truncated' })
})

/** Expected code, and a forged bundle. */
type Forgery = readonly [code: ProofCode | RegExp, what: string, bytes: () => Uint8Array, policy?: string]

const sealed = (index: number) => index >= 4 && index < SEAL

/** What whoever passes a bundle on can do to it: they hold no key. */
function* byCourier(): Generator<Forgery> {
  const good = bundleOf(log)
  const bytes = formatSessionBundle(good)
  const text = Buffer.from(bytes).toString()
  for (const index of INDEXES) {
    const position = INDEXES.indexOf(index)
    const rest = INDEXES.toSpliced(position, 1)
    const isTail = index === 12 || index === 10
    if (!isTail) {
      const code = index === SEAL ? 'unsigned' : sealed(index) ? /^(truncated|unsigned)$/ : 'seq_gap'
      yield [code, `drops entry ${index}, with a good proof for the rest`, () => bundleBytes(log, rest)]
    }
    yield [
      'not_included',
      `drops entry ${index}`,
      () => bundleBytes(log, INDEXES, { entries: good.entries.toSpliced(position, 1) }),
    ]
    const forgedBy = (entry: Uint8Array) =>
      bundleBytes(log, INDEXES, { entries: good.entries.with(position, { index, entry }) })
    yield [
      'not_included',
      `puts another signed action at ${index}`,
      () => forgedBy(signAction(actionOf(77), [agentKey])),
    ]
    yield ['wrong_session', `puts an action of another session at ${index}`, () => forgedBy(log.entries[0]!)]
    yield ['malformed_note', `puts garbage at ${index}`, () => forgedBy(Buffer.from('garbage\n'))]
    const entry = good.entries[position]!.entry
    yield [
      /^(not_included|malformed_\w+|not_canonical|wrong_session|duplicate_key)$/,
      `flips a bit of entry ${index}`,
      () => forgedBy(Uint8Array.from(entry, (byte, i) => (i === entry.length >> 1 ? byte ^ 1 : byte))),
    ]
    if (!INDEXES.includes(index + 1)) {
      const moved = good.entries.with(position, { index: index + 1, entry })
      yield [
        'not_included',
        `moves entry ${index} up by one`,
        () => bundleBytes(log, INDEXES, { entries: moved }),
      ]
    }
    yield [
      'malformed_bundle',
      `says entry ${index} twice`,
      () =>
        Buffer.from(
          text.replace(
            /("entries":\[)(.*?)(\],"format)/s,
            (_, a: string, b: string, c: string) =>
              `${a}${b
                .split(/(?<=\}),/)
                .toSpliced(position, 0, b.split(/(?<=\}),/)[position]!)
                .join(',')}${c}`,
          ),
        ),
    ]
  }
  for (const i of good.proof.keys()) {
    yield [
      'not_included',
      `drops hash ${i} of the proof`,
      () => bundleBytes(log, INDEXES, { proof: good.proof.toSpliced(i, 1) }),
    ]
    yield [
      'not_included',
      `changes hash ${i} of the proof`,
      () => bundleBytes(log, INDEXES, { proof: good.proof.with(i, new Uint8Array(32)) }),
    ]
    yield [
      'not_included',
      `says hash ${i} of the proof twice`,
      () => bundleBytes(log, INDEXES, { proof: good.proof.toSpliced(i, 0, good.proof[i]!) }),
    ]
  }
  yield ['wrong_session', 'calls it another session', () => bundleBytes(log, INDEXES, { session: OTHER })]
  yield ['wrong_session', 'adds an entry of another session', () => bundleBytes(log, [...INDEXES, 13])]
  yield ['truncated', 'marks it as a part', () => bundleBytes(log, INDEXES, { next: 14 })]
  const head = Buffer.from(good.checkpoint).toString()
  const heads: [ProofCode, string, string][] = [
    ['bad_signature', 'size', head.replace('\n14\n', '\n15\n')],
    ['bad_signature', 'root', head.replace(/\n14\n(.)/, (_, c: string) => `\n14\n${c === 'A' ? 'B' : 'A'}`)],
    [
      'bad_signature',
      'signature',
      head.replace(/(.)(.{10})\n$/, (_, c: string, end: string) => `${c === 'A' ? 'B' : 'A'}${end}\n`),
    ],
    ['malformed_checkpoint', 'extension', head.replace('\n\n', '\nextension\n\n')],
    ['malformed_note', 'form', head.replace('\n\n', '\n')],
    [
      'unknown_key',
      'origin and signer',
      Buffer.from(log.checkpoint([], noteSigner('evil.example/log', seedOf(99)))).toString(),
    ],
    [
      'unknown_key',
      'signer',
      Buffer.from(log.checkpoint([], noteSigner(logKey.name, seedOf(98)))).toString(),
    ],
  ]
  for (const [code, what, checkpoint] of heads)
    yield [
      code,
      `forges the ${what} of the checkpoint`,
      () => bundleBytes(log, INDEXES, { checkpoint: Buffer.from(checkpoint) }),
    ]
  const spellings: [ProofCode, string, string][] = [
    ['not_canonical', 'a space', text.replace('":', '": ')],
    ['malformed_bundle', 'no newline', text.trimEnd()],
    ['not_canonical', 'two newlines', `${text}\n`],
    ['duplicate_key', 'a key twice', text.replace('{', '{"checkpoint":"",')],
    ['malformed_bundle', 'an unknown member', text.replace('{', '{"alg":"none",')],
    [
      'malformed_bundle',
      'a key of its own',
      text.replace('{', `{"agent_key":"${encodeVkey(strangerKey).replaceAll('+', '-')}",`),
    ],
    ['malformed_bundle', 'a list instead of an entry', text.replace(/\{"entry".*?\}/, '[]')],
    ['malformed_bundle', 'no entries', text.replace(/"entries":\[.*?\],"format/s, '"entries":[],"format')],
    ['malformed_bundle', 'base64 with a space', text.replace('"entry":"', '"entry":" ')],
    ['malformed_receipt', 'a format of the future', text.replace('bundle/v1', 'bundle/v2')],
    [
      'not_canonical',
      'a member in another place',
      text.replace(/^\{("checkpoint":".*?"),(.*),"proof"/s, '{$2,$1,"proof"'),
    ],
  ]
  for (const [code, what, spelling] of spellings)
    yield [code, `spells it with ${what}`, () => Buffer.from(spelling)]
}

/** What a log can do that has signed its tree over forged entries. */
function* byLog(): Generator<Forgery> {
  const forged = (at: number, entry: Uint8Array, indexes = INDEXES) =>
    bundleBytes(sessionLog([{ at, entry }]), indexes)
  for (const index of INDEXES.filter((i) => i !== SEAL && !sealed(i))) {
    const whole = Buffer.from(log.entries[index]!).toString('latin1')
    const flip = (match: string) => match.slice(0, -5) + (match.at(-5) === 'A' ? 'B' : 'A') + match.slice(-4)
    const broken = Buffer.from(whole.replace(/\S{60,}\n$/, flip), 'latin1')
    yield ['bad_signature', `breaks the signature of ${index}`, () => forged(index, broken)]
    const late = Buffer.from(whole.replace('"ts":1700', '"ts":1800'), 'latin1')
    yield ['bad_signature', `changes what ${index} says`, () => forged(index, late)]
    const bare = Buffer.from(whole.slice(0, whole.indexOf('\n\n') + 1), 'latin1')
    yield ['unsigned', `takes the signatures of ${index} away`, () => forged(index, bare)]
    yield ['unknown_key', `has a stranger sign ${index}`, () => forged(index, signNote(bare, [strangerKey]))]
    const twice = Buffer.from(whole + whole.slice(whole.lastIndexOf('\n', whole.length - 2) + 1), 'latin1')
    yield ['malformed_note', `signs ${index} twice`, () => forged(index, twice)]
  }
  yield [
    'unsigned',
    'lets another agent sign',
    () => forged(2, signNote(formatAction(actionOf(1)), [approverKey])),
  ]
  const batch = [2, 3, 4, 5].map((seq) => formatAction(actionOf(seq)))
  const seal = (over: object, signer = agentKey) =>
    sealBatch({ agent: 'gateway', session, first: 2, entries: batch, ...over }, signer)
  yield ['bad_root', 'seals other actions', () => forged(SEAL, seal({ entries: batch.toReversed() }))]
  yield ['truncated', 'seals fewer actions', () => forged(SEAL, seal({ entries: batch.slice(1) }))]
  yield ['seq_gap', 'seals them under other numbers', () => forged(SEAL, seal({ first: 3 }))]
  yield ['wrong_session', 'seals them for another session', () => forged(SEAL, seal({ session: OTHER }))]
  yield [
    'wrong_session',
    'has another agent seal them',
    () => forged(SEAL, seal({ agent: 'approver' }, approverKey)),
  ]
  yield ['unknown_key', 'has a stranger seal them', () => forged(SEAL, seal({}, strangerKey))]
  for (const i of [0, 1, 2, 3]) {
    const changed = formatAction(actionOf(2 + i, { id: uuidOf(70 + i) }))
    yield ['bad_root', `changes sealed action ${i}`, () => forged(4 + i, changed)]
    const foreign = formatAction(actionOf(2 + i, { session: OTHER }))
    yield ['wrong_session', `moves sealed action ${i} to another session`, () => forged(4 + i, foreign)]
    const number = formatAction(actionOf(20 + i))
    yield ['seq_gap', `renumbers sealed action ${i}`, () => forged(4 + i, number)]
  }
  const close = (seq: number, count: number) => {
    const { target: _, in: __, ...payload } = closing(seq, count) as unknown as Record<string, unknown>
    return signAction(payload as never, [agentKey])
  }
  yield ['seq_gap', 'closes on more than there was', () => forged(12, close(7, 8))]
  yield ['seq_gap', 'closes on less than there was', () => forged(12, close(7, 6))]
  yield ['seq_gap', 'closes late', () => forged(12, close(9, 9))]
  yield [
    'seq_gap',
    'goes on after the close',
    () => forged(13, signAction(actionOf(8), [agentKey]), [...INDEXES, 13]),
  ]
  yield ['seq_gap', 'closes twice', () => forged(13, close(8, 8), [...INDEXES, 13])]
  yield [
    'forked',
    'has two entries of one number',
    () => forged(13, signAction(actionOf(6, { id: uuidOf(80) }), [agentKey]), [...INDEXES, 13]),
  ]
}

/** Bundles that are whole, to a verifier whose policy does not trust them. */
function* byPolicy(): Generator<Forgery> {
  const bytes = () => bundleBytes(log)
  const interval = (text: string) => policy.replace(encodeVkey(agentKey), `${encodeVkey(agentKey)} ${text}`)
  yield ['key_not_valid_at', 'a key that began later', bytes, interval('2-')]
  yield ['key_not_valid_at', 'a key that ended before', bytes, interval('0-11')]
  yield ['unknown_key', 'an agent that is not trusted', bytes, policy.replace(/agent gateway\S*\n/, '')]
  yield ['unknown_key', 'a log that is not trusted', bytes, policy.replace(/log \S*\n/, '')]
  yield ['quorum_unmet', 'witnesses that did not cosign', bytes, policyText('any')]
  yield [
    'quorum_unmet',
    'one witness of two',
    () => bundleBytes(log, INDEXES, { checkpoint: log.checkpoint([witnessKeys[0]!]) }),
    policyText('all'),
  ]
  yield ['malformed_policy', 'a policy that cannot be read', bytes, 'log x\n']
}

void t.test('at least a hundred forgeries are refused, each with the right code', async (t) => {
  const forgeries = [...byCourier(), ...byLog(), ...byPolicy()]
  for (const [code, what, make, by = policy] of forgeries) {
    const verdict = verifyBundle(make(), by)
    t.equal(verdict.ok, false, what)
    t.match(verdict.code, code, what)
  }
  t.ok(forgeries.length >= 100, `${forgeries.length} forgeries`)
  const cosigned = bundleBytes(log, INDEXES, { checkpoint: log.checkpoint(witnessKeys) })
  t.equal(verifyBundle(cosigned, policyText('all')).ok, true)
})

void t.test('bytes of any kind are judged, never thrown at', async (t) => {
  const random = randomSource(11)
  const good = bundleBytes(log)
  for (let i = 0; i < 1500; i++) {
    const bytes = damage(good, random)
    if (verifyBundle(bytes, policy).ok && Buffer.compare(bytes, good) !== 0)
      t.fail('a damaged bundle verifies')
  }
})
