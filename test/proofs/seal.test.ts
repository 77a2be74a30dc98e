import t from 'tap'
import { formatAction, parseAction } from '../../proofs/action.js'
import { leafHash, rootOfLeafHashes, verifyInclusion } from '../../proofs/merkle.js'
import { decodeVkey, encodeVkey } from '../../proofs/note-key.js'
import {
  batchPath,
  checkSealedActions,
  formatSeal,
  MAX_BATCH,
  parseSeal,
  parseSealNote,
  sealBatch,
  verifySeal,
  verifySealedBatch,
} from '../../proofs/seal.js'
import { ProofError } from '../../proofs/errors.js'
import { appendSignatures, signNote } from '../../proofs/signed-note.js'
import { damage, growth, randomSource } from './random.js'
import { actionOf, agentKey, approverKey, session, strangerKey } from './sample-log.js'

const keys = [agentKey, approverKey].map((key) => decodeVkey(encodeVkey(key)))
const entries = [4, 5, 6].map((seq) => formatAction(actionOf(seq)))
const batch = { agent: 'gateway', session, first: 4, entries }
const seal = sealBatch(batch, agentKey)

void t.test('a seal is a signed note of six lines', async (t) => {
  const lines = Buffer.from(seal).toString().split('\n')
  t.same(lines.slice(0, 5), ['portcullis.dev/batch/v1', 'gateway', session, '4', '3'])
  t.equal(lines[5], Buffer.from(rootOfLeafHashes(entries.map(leafHash))).toString('base64'))
  t.equal(lines[6], '')
  t.match(lines[7], /^\u2014 gateway /)
})

void t.test('a sealed batch verifies as a whole and by the path of each action', async (t) => {
  const { actions, leaves, seal: read } = verifySealedBatch(entries, seal, keys)
  t.same(
    actions.map(({ seq }) => seq),
    [4, 5, 6],
  )
  entries.forEach((entry, i) => {
    t.ok(verifyInclusion(i, 3, leafHash(entry), batchPath(entries, i), read.root))
    t.same(leaves[i], leafHash(entry))
  })
  t.same(parseSeal(formatSeal(read)), read)
})

void t.test('a batch of one works', async (t) => {
  const one = sealBatch({ ...batch, entries: entries.slice(0, 1) }, agentKey)
  t.equal(verifySealedBatch(entries.slice(0, 1), one, keys).seal.count, 1)
})

void t.test('what a seal does not cover exactly is refused with its reason', async (t) => {
  const read = parseSealNote(seal).seal
  const check = (list: readonly Uint8Array[]) => () =>
    checkSealedActions(
      read,
      list.map((entry) => ({ action: parseAction(entry), leaf: leafHash(entry) })),
    )
  t.throws(check(entries.slice(0, 2)), { code: 'TRUNCATED' }, 'cut')
  t.throws(check([...entries, entries[0]!]), { code: 'TRUNCATED' }, 'grown')
  t.throws(check([entries[1]!, entries[0]!, entries[2]!]), { code: 'SEQ_GAP' }, 'reordered')
  t.throws(check([entries[0]!, entries[0]!, entries[2]!]), { code: 'SEQ_GAP' }, 'repeated')
  const other = formatAction(actionOf(5, { session: 'gateway/run-2' }))
  t.throws(check([entries[0]!, other, entries[2]!]), { code: 'WRONG_SESSION' }, 'another session')
  const agent = formatAction(actionOf(5, { agent: 'scanner' }))
  t.throws(check([entries[0]!, agent, entries[2]!]), { code: 'WRONG_SESSION' }, 'another agent')
  const changed = formatAction(actionOf(5, { ts: 1 }))
  t.throws(check([entries[0]!, changed, entries[2]!]), { code: 'BAD_ROOT' }, 'changed')
  t.throws(check([entries[0]!, Buffer.from('x'), entries[2]!]), { code: 'MALFORMED_ACTION' })
})

void t.test('only the agent can seal for itself', async (t) => {
  t.throws(() => sealBatch(batch, approverKey), { code: 'UNSIGNED' })
  t.throws(() => verifySealedBatch(entries, sealBatch(batch, strangerKey), keys), { code: 'UNKNOWN_KEY' })
  const byOther = signNote(formatSeal(parseSealNote(seal).seal), [approverKey])
  t.throws(() => verifySeal(parseSealNote(byOther), keys), { code: 'UNSIGNED' })
  const both = signNote(formatSeal(parseSealNote(seal).seal), [approverKey, agentKey])
  t.equal(verifySeal(parseSealNote(both), keys).verified.length, 2)
  const junk = appendSignatures(seal, [{ name: 'zz', keyId: 1, signature: new Uint8Array(64) }])
  t.throws(() => verifySeal(parseSealNote(junk), keys), { code: 'UNKNOWN_KEY' })
})

void t.test('malformed seals are refused', async (t) => {
  const good = formatSeal(parseSealNote(seal).seal)
  const root = good.split('\n')[5]!
  const wrong: Record<string, string> = {
    empty: '',
    'another line 1': good.replace('v1', 'v2'),
    'a decimal agent': good.replace('gateway\n', '12\n'),
    'an upper-case agent': good.replace('gateway\n', 'Gateway\n'),
    'no session': good.replace(`${session}\n`, '\n'),
    'a leading zero': good.replace('\n4\n', '\n04\n'),
    'a sign': good.replace('\n4\n', '\n+4\n'),
    'a negative count': good.replace('\n3\n', '\n-3\n'),
    'no action': good.replace('\n3\n', '\n0\n'),
    'too many': good.replace('\n3\n', `\n${MAX_BATCH + 1}\n`),
    'a first beyond 2^53': good.replace('\n4\n', '\n9007199254740993\n'),
    'a first of 30 digits': good.replace('\n4\n', `\n${'4'.repeat(30)}\n`),
    'a short root': good.replace(root, root.slice(4)),
    'another spelling of the root': good.replace(root, root.replace(/=$/, '')),
    'a line more': `${good}x\n`,
    'a blank line more': `${good}\n`,
    'a line less': good.replace(`${root}\n`, ''),
    'no final newline': good.slice(0, -1),
  }
  for (const [name, text] of Object.entries(wrong))
    t.throws(() => parseSeal(text), { code: 'MALFORMED_SEAL' }, name)
  t.throws(() => sealBatch({ ...batch, entries: [] }, agentKey), { code: 'MALFORMED_SEAL' })
  t.throws(() => parseSealNote(Buffer.alloc(65_536)), { code: 'TOO_LARGE' })
})

void t.test('hostile seals only ever give a proof error, in linear time', async (t) => {
  const random = randomSource(41)
  for (let i = 0; i < 3000; i++) {
    const bytes = damage(seal, random)
    try {
      verifySealedBatch(entries, bytes, keys)
      if (Buffer.compare(bytes, seal) !== 0) t.fail('a damaged seal verifies')
    } catch (error) {
      if (!(error instanceof ProofError)) throw error
    }
  }
  const refuse = (text: string) => () => {
    try {
      parseSeal(text)
    } catch {
      return
    }
  }
  t.ok(growth((n) => refuse(`portcullis.dev/batch/v1${'\na'.repeat(n)}`), 100_000) < 10)
})
