import type { OperatorFactory } from '../operator.js'
import { beginsWith } from './begins-with.js'
import { containsWord } from './contains-word.js'
import { contains } from './contains.js'
import { detectSQLi } from './detect-sqli.js'
import { detectXSS } from './detect-xss.js'
import { endsWith } from './ends-with.js'
import { eq } from './eq.js'
import { ge } from './ge.js'
import { geoLookup } from './geo-lookup.js'
import { gt } from './gt.js'
import { ipMatchFromFile } from './ip-match-from-file.js'
import { ipMatch } from './ip-match.js'
import { le } from './le.js'
import { lt } from './lt.js'
import { noMatch } from './no-match.js'
import { pmFromFile } from './pm-from-file.js'
import { pm } from './pm.js'
import { refusals, refuse } from './refused.js'
import { rxGlobal } from './rx-global.js'
import { rx } from './rx.js'
import { streq } from './streq.js'
import { strmatch } from './strmatch.js'
import { unconditionalMatch } from './unconditional-match.js'
import { validateByteRange } from './validate-byte-range.js'
import { validateUrlEncoding } from './validate-url-encoding.js'
import { validateUtf8Encoding } from './validate-utf8-encoding.js'
import { verifyCC } from './verify-cc.js'
import { verifyCPF } from './verify-cpf.js'
import { verifySSN } from './verify-ssn.js'
import { verifySVNR } from './verify-svnr.js'
import { within } from './within.js'

/** All operators by their name in the reference manual; those that we refuse throw `SECLANG_REFUSED` with the reason. */
export const operators: ReadonlyMap<string, OperatorFactory> = new Map<string, OperatorFactory>([
  ['beginsWith', beginsWith],
  ['contains', contains],
  ['containsWord', containsWord],
  ['detectSQLi', detectSQLi],
  ['detectXSS', detectXSS],
  ['endsWith', endsWith],
  ['eq', eq],
  ['ge', ge],
  ['geoLookup', geoLookup],
  ['gt', gt],
  ['ipMatch', ipMatch],
  ['ipMatchF', ipMatchFromFile],
  ['ipMatchFromFile', ipMatchFromFile],
  ['le', le],
  ['lt', lt],
  ['noMatch', noMatch],
  ['pm', pm],
  ['pmf', pmFromFile],
  ['pmFromFile', pmFromFile],
  ['rx', rx],
  ['rxGlobal', rxGlobal],
  ['streq', streq],
  ['strmatch', strmatch],
  ['unconditionalMatch', unconditionalMatch],
  ['validateByteRange', validateByteRange],
  ['validateUrlEncoding', validateUrlEncoding],
  ['validateUtf8Encoding', validateUtf8Encoding],
  ['verifyCC', verifyCC],
  ['verifyCPF', verifyCPF],
  ['verifySSN', verifySSN],
  ['verifySVNR', verifySVNR],
  ['within', within],
  ...[...refusals].map(([name, reason]): [string, OperatorFactory] => [name, refuse(name, reason)]),
])

const byLowerName = new Map([...operators].map(([name, factory]) => [name.toLowerCase(), factory]))

/** The factory of the operator of that name (case does not matter, no `@`), or undefined. */
export function operatorFactory(name: string): OperatorFactory | undefined {
  return byLowerName.get(name.toLowerCase())
}

const locating: ReadonlySet<OperatorFactory> = new Set([contains, pm, pmFromFile, rx, rxGlobal])

/** Whether the operators of a factory say where in a value they found something. */
export function locates(factory: OperatorFactory): boolean {
  return locating.has(factory)
}
