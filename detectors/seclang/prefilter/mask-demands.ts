import { anyClass } from './mask.js'
import { maskFrequency } from './rarity.js'

/** Sets of byte classes of each of which a value must hold one. */
export type MaskDemands = readonly number[]

/** Demands that are kept: the rarest. */
const maxDemands = 6

/** All of the demands hold. */
export function bothDemands(demands: Iterable<number>): MaskDemands {
  const rarest = [...new Set(demands)].filter((mask) => mask !== anyClass)
  if (rarest.length < 2) return rarest
  rarest.sort((a, b) => maskFrequency(a) - maskFrequency(b))
  // A demand that another one implies says nothing more.
  return rarest
    .filter((mask, index) => !rarest.slice(0, index).some((other) => (other & ~mask) === 0))
    .slice(0, maxDemands)
}

/** One of the alternatives holds, nobody knows which: to each demand of the first, what each other adds least to. */
export function eitherDemands(alternatives: readonly MaskDemands[]): MaskDemands {
  const [first = [], ...others] = alternatives.toSorted((a, b) => a.length - b.length)
  return bothDemands(
    first.map((demand) => others.reduce((mask, demands) => mask | least(mask, demands), demand)),
  )
}

function least(mask: number, demands: MaskDemands): number {
  let best = anyClass
  let frequency = Infinity
  for (const demand of demands) {
    const added = maskFrequency(demand & ~mask)
    if (added >= frequency) continue
    frequency = added
    best = demand
  }
  return best
}
