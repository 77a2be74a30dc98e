import { STATUS_CODES } from 'node:http'
import { isFound, LEVELS, type FileResult, type Reason } from '../../verdict.js'
import type { IcapPolicy } from './config.js'

/** Fields of a head, names in lower case. */
export type Fields = { readonly [name: string]: string }

const STATUS: { readonly [status: number]: string } = { ...STATUS_CODES, 204: 'No modifications needed' }

/** The head of an answer (RFC 3507, section 4.3.3). */
export const headOf = (status: number, fields: Fields): string =>
  `ICAP/1.0 ${status} ${STATUS[status]}\r\n` +
  Object.entries(fields)
    .map(([name, value]) => `${canonical(name)}: ${value}\r\n`)
    .join('') +
  '\r\n'

/** Whether a content with this verdict is withheld. */
export function isBlocked(verdict: FileResult['verdict'], policy: IcapPolicy): boolean {
  switch (verdict) {
    case 'clean':
      return false
    case 'malicious':
      return true
    case 'suspicious':
      return policy.block === 'suspicious'
    case 'error':
      return policy.on_error === 'block'
    case 'skipped':
      return policy.on_skipped === 'block'
  }
}

/** What is said of a content that is not clean. */
export const verdictFields = (result: FileResult): Fields => ({
  'x-portcullis-verdict': result.verdict,
  'x-portcullis-reason': reasonOf(result),
})

/** What clients of ICAP know as words for a content that was found (draft-stecher-icap-subid). */
export const infectionFields = (result: FileResult): Fields =>
  isFound(result.verdict)
    ? {
        'x-infection-found': `Type=0; Resolution=2; Threat=${reasonOf(result)};`,
        'x-violations-found': `1\r\n\t${token(result.path)}\r\n\t${reasonOf(result)}\r\n\t0\r\n\t0`,
      }
    : {}

/** The strongest reason, as one word. */
export const reasonOf = ({ reasons }: FileResult): string => token(strongest(reasons)?.rule ?? 'unnamed')

const strongest = (reasons: readonly Reason[]): Reason | undefined =>
  reasons.toSorted((a, b) => LEVELS.indexOf(b.level) - LEVELS.indexOf(a.level))[0]

/** What a rule or a URL is called by, in a head: it must not make a field of its own. */
const token = (text: string): string => text.replace(/[^\x21-\x3a\x3c-\x7e]/g, '_').slice(0, 200)

const canonical = (name: string): string =>
  name === 'istag' ? 'ISTag' : name.replace(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase())
