import { getSystemErrorMap } from 'node:util'
import { LEVELS, isFound, type FileResult, type Reason } from '../../verdict.js'

/** Text of the system's errors by their code, as clamd takes it from `strerror`. */
const SYSTEM_ERRORS: ReadonlyMap<string, string> = new Map(
  [...getSystemErrorMap().values()].map(([code, text]) => [
    code,
    text.charAt(0).toUpperCase() + text.slice(1),
  ]),
)

/** What clamd's protocol says of a result after its name: `OK`, `NAME FOUND` or `WHY ERROR`. */
export function statusOf({ verdict, reasons }: FileResult): string {
  if (verdict === 'clean') return 'OK'
  const reason = strongest(reasons)
  if (isFound(verdict)) return `${plain(reason?.rule ?? 'Unnamed').replaceAll(' ', '_')} FOUND`
  return `${reason ? problemOf(reason) : 'Not judged'} ERROR`
}

/** One `NAME FOUND` for each rule that was met. */
export const allStatusesOf = (result: FileResult): string[] =>
  isFound(result.verdict)
    ? result.reasons
        .filter(({ level }) => level === 'malicious' || level === 'suspicious')
        .map((reason) => statusOf({ ...result, reasons: [reason] }))
    : [statusOf(result)]

/** Whether a result is about something in a folder that is no file: clamd passes it over without a word. */
export const isPassedOver = ({ verdict, reasons }: FileResult): boolean =>
  verdict === 'skipped' && reasons.every(({ engine }) => engine === 'file')

const strongest = (reasons: readonly Reason[]): Reason | undefined =>
  reasons.reduce<Reason | undefined>(
    (best, reason) => (best && LEVELS.indexOf(best.level) >= LEVELS.indexOf(reason.level) ? best : reason),
    undefined,
  )

function problemOf({ engine, rule, detail, level }: Reason): string {
  if (engine !== 'file') return plain(detail ?? rule)
  if (level === 'skipped')
    return rule === 'symbolic_link' ? 'Symbolic link not followed' : 'Not supported file type'
  const known = SYSTEM_ERRORS.get(rule)
  return known === undefined ? plain(detail ?? rule) : `File path check failure: ${known}.`
}

/** On one line, whatever a rule or a member of an archive is called: it must not look like an answer of its own. */
// oxlint-disable-next-line no-control-regex -- these are what it replaces
const plain = (text: string): string => text.replace(/[\u0000-\u001f\u007f]/g, '?')
