import fc from 'fast-check'
import t from 'tap'
import { formatPolicy, parsePolicy, ProofError } from '../../proofs/index.js'
import { anchorPolicy, pin } from './sample-anchor.js'
import { policyText } from './sample-log.js'

const line = `anchor 1 0x${'11'.repeat(20)} 0x${'ab'.repeat(32)} 0x${'22'.repeat(20)}`

t.test('anchor lines are read and written', async (t) => {
  const policy = parsePolicy(policyText('none', [`${line} 0-9`, `${line.replace('0x11', '0x1F')} 10-`]))
  t.same(
    policy.anchors.map(({ contract, first, last }) => [contract.slice(0, 2), first, last]),
    [
      ['11', 0, 9],
      ['1f', 10, undefined],
    ],
  )
  t.same(parsePolicy(formatPolicy(policy)), policy)
  t.same(parsePolicy(anchorPolicy()).anchors, [pin])
})

t.test('a line that is wrong is refused with what is wrong', async (t) => {
  const other = `anchor 1 0x${'11'.repeat(20)} 0x${'cd'.repeat(32)} 0x${'33'.repeat(20)}`
  const wrong: [string[], RegExp][] = [
    [['anchor'], /has a chain id/],
    [[`${line} 0- 1`], /at most/],
    [[line.replace('anchor 1', 'anchor 0')], /0 is not a chain id/],
    [[line.replace('anchor 1', 'anchor 0x1')], /0x1 is not a chain id/],
    [[line.replace('0x11', '11')], /is not an address/],
    [[line.replace('0x11', '0xg1')], /is not an address/],
    [[line.replace('0xab', '0x')], /is not a code hash/],
    [[`${line} 9-1`], /ends before it starts/],
    [[`${line} 9`], /not an interval of tree sizes/],
    [[line, other], /two code hashes/],
    [[line, `${line} 5-`], /overlap/],
    [[`${line} 0-5`, `${line} 5-`], /overlap/],
  ]
  for (const [lines, message] of wrong)
    t.throws(() => parsePolicy(policyText('none', lines)), { machineCode: 'malformed_policy', message })
})

t.test('a damaged line is read as it is written back, or refused', async () => {
  const good = `${line} 0-9`
  const damaged = fc
    .tuple(fc.nat(good.length), fc.nat(6), fc.string({ maxLength: 6 }))
    .map(([at, cut, text]) => good.slice(0, at) + text + good.slice(at + cut))
  fc.assert(
    fc.property(
      fc.oneof(
        damaged,
        fc.string({ maxLength: 300 }).map((text) => `anchor ${text}`),
      ),
      (text) => {
        try {
          const policy = parsePolicy(policyText('none', [text]))
          return Buffer.from(formatPolicy(policy)).equals(
            Buffer.from(formatPolicy(parsePolicy(formatPolicy(policy)))),
          )
        } catch (error) {
          return error instanceof ProofError
        }
      },
    ),
    { numRuns: 3_000 },
  )
})

t.test('lines of a whole policy are read in time that grows with them', async (t) => {
  const many = Array.from({ length: 4_000 }, (_, i) => `${line} ${i}-${i}`)
  t.equal(parsePolicy(policyText('none', many)).anchors.length, 4_000)
  for (const hostile of [`${line} ${'9'.repeat(900_000)}-`, `anchor ${'0'.repeat(900_000)}`])
    t.throws(() => parsePolicy(policyText('none', [hostile])), { code: 'MALFORMED_POLICY' })
})
