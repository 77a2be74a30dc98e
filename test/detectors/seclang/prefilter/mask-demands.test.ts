import fc from 'fast-check'
import t from 'tap'
import { bothDemands, eitherDemands } from '../../../../detectors/seclang/prefilter/mask-demands.js'

const bit = fc.nat(7).map((shift) => 1 << shift)
const mask = fc
  .array(bit, { minLength: 1, maxLength: 3 })
  .map((bits) => bits.reduce((all, each) => all | each, 0))
const demands = fc.array(mask, { maxLength: 8 })
const meets = (value: number, all: readonly number[]): boolean => all.every((each) => (value & each) !== 0)

t.test('demands that hold together ask no more than each of them', (t) => {
  fc.assert(
    fc.property(demands, fc.nat(255), (all, value) => !meets(value, all) || meets(value, bothDemands(all))),
  )
  t.strictSame(
    bothDemands([3, 1, 1, -1]),
    [1],
    'what another one implies, and what says nothing, is left out',
  )
  t.end()
})

t.test('demands of alternatives ask no more than the mildest of them', (t) => {
  fc.assert(
    fc.property(fc.array(demands, { maxLength: 5 }), fc.nat(255), (all, value) => {
      const one = all.some((each) => meets(value, each))
      return !one || meets(value, eitherDemands(all))
    }),
  )
  t.strictSame(eitherDemands([[1, 4], [2]]), [6], 'the rarer of two ways to say it')
  t.strictSame(eitherDemands([[1], []]), [])
  t.end()
})
