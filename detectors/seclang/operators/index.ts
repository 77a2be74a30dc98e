import type { OperatorFactory } from '../operator.js'
import { beginsWith } from './begins-with.js'
import { containsWord } from './contains-word.js'
import { contains } from './contains.js'
import { endsWith } from './ends-with.js'
import { eq } from './eq.js'
import { ge } from './ge.js'
import { gt } from './gt.js'
import { le } from './le.js'
import { lt } from './lt.js'
import { noMatch } from './no-match.js'
import { pm } from './pm.js'
import { rx } from './rx.js'
import { streq } from './streq.js'
import { strmatch } from './strmatch.js'
import { unconditionalMatch } from './unconditional-match.js'
import { within } from './within.js'

/** All operators by their name in the reference manual. */
export const operators: ReadonlyMap<string, OperatorFactory> = new Map([
  ['beginsWith', beginsWith],
  ['contains', contains],
  ['containsWord', containsWord],
  ['endsWith', endsWith],
  ['eq', eq],
  ['ge', ge],
  ['gt', gt],
  ['le', le],
  ['lt', lt],
  ['noMatch', noMatch],
  ['pm', pm],
  ['rx', rx],
  ['streq', streq],
  ['strmatch', strmatch],
  ['unconditionalMatch', unconditionalMatch],
  ['within', within],
])

const byLowerName = new Map([...operators].map(([name, factory]) => [name.toLowerCase(), factory]))

/** The factory of the operator of that name (case does not matter, no `@`), or undefined. */
export function operatorFactory(name: string): OperatorFactory | undefined {
  return byLowerName.get(name.toLowerCase())
}
