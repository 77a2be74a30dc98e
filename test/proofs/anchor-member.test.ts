import fc from 'fast-check'
import t from 'tap'
import { formatAnchor, parseAnchor } from '../../proofs/anchor-member.js'
import { formatReceipt, parseReceipt, ProofError } from '../../proofs/index.js'
import type { CanonicalValue } from '../../proofs/index.js'
import { anchor, anchoredReceipt } from './sample-anchor.js'

t.test('the member comes back as it was', async (t) => {
  t.same(parseAnchor(formatAnchor(anchor), 'malformed_bundle', 'anchor'), anchor)
  const bytes = formatReceipt(anchoredReceipt())
  t.same(parseReceipt(bytes).anchor, anchor)
  t.same(formatReceipt(parseReceipt(bytes)), bytes)
})

t.test(
  'a member that is missing, unknown, of a wrong type or of another spelling is refused by name',
  async (t) => {
    const member = formatAnchor(anchor) as Record<string, string | number>
    for (const key of Object.keys(member)) {
      const without = Object.fromEntries(Object.entries(member).filter(([name]) => name !== key))
      t.throws(() => parseAnchor(without, 'malformed_receipt', 'receipt.anchor'), {
        machineCode: 'malformed_receipt',
        message: new RegExp(`receipt\\.anchor\\.${key} is missing`),
      })
      const wrong = typeof member[key] === 'number' ? '1' : 1
      t.throws(
        () => parseAnchor({ ...member, [key]: wrong }, 'malformed_receipt', 'receipt.anchor'),
        new RegExp(`anchor\\.${key} `),
      )
      if (typeof member[key] === 'string') {
        for (const text of [`0x${member[key]}`, member[key].slice(2), 'AA'.repeat(member[key].length / 2)])
          t.throws(() => parseAnchor({ ...member, [key]: text }, 'malformed_receipt', 'receipt.anchor'), {
            code: 'MALFORMED_RECEIPT',
          })
      } else {
        t.throws(() => parseAnchor({ ...member, [key]: -1 }, 'malformed_receipt', 'a'))
      }
    }
    t.throws(
      () => parseAnchor({ ...member, extra: 1 }, 'malformed_receipt', 'receipt.anchor'),
      /anchor\.extra is not known/,
    )
    t.throws(() => parseAnchor([], 'malformed_receipt', 'receipt.anchor'), /is not an object/)
  },
)

t.test('whatever the member is, it is read or refused with the given code', async (t) => {
  const member = formatAnchor(anchor) as Record<string, CanonicalValue>
  const value = fc.oneof(
    fc.integer(),
    fc.string({ maxLength: 80 }),
    fc.boolean(),
    fc.constant([]),
    fc.constant({}),
    fc.stringMatching(/^[0-9a-f]{40,64}$/),
  )
  const changes = fc.dictionary(fc.oneof(fc.constantFrom(...Object.keys(member)), fc.string()), value, {
    maxKeys: 4,
  })
  fc.assert(
    fc.property(changes, (changed) => {
      const hostile = { ...member, ...changed }
      try {
        return formatAnchor(parseAnchor(hostile, 'malformed_receipt', 'anchor')) !== undefined
      } catch (error) {
        return error instanceof ProofError && error.machineCode === 'malformed_receipt'
      }
    }),
    { numRuns: 2_000 },
  )
  // One long digit string costs one look at its length.
  t.throws(() => parseAnchor({ ...member, root: 'a'.repeat(50_000_000) }, 'malformed_receipt', 'a'), {
    code: 'MALFORMED_RECEIPT',
  })
})
