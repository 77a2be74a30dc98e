import { SecLangError } from '../errors.js'
import type { OperatorFactory } from '../operator.js'

/** Operators of the reference manual that we do not have, and why. */
export const refusals: ReadonlyMap<string, string> = new Map([
  ['inspectFile', 'it runs an external program for each request; uploads are judged by the scanner'],
  ['fuzzyHash', 'it compares similarity digests of files; files are judged by the scanner'],
  ['rbl', 'it asks the DNS while a request waits; use a decision feed or @ipMatchFromFile'],
  ['gsbLookup', 'the Google Safe Browsing lists it reads are no longer published'],
  ['rsub', 'it rewrites what is judged; requests and responses are never changed by rules'],
  ['validateDTD', 'XML bodies are read without document types: they are an attack surface'],
  ['validateSchema', 'XML bodies are read without schemas: a schema can name remote files'],
  ['validateHash', 'hashes of links are not written into responses, so there are none to validate'],
])

/** A factory that refuses with the reason. */
export function refuse(name: string, reason: string): OperatorFactory {
  return (_, context) => {
    throw new SecLangError('SECLANG_REFUSED', `@${name} is refused: ${reason}`, context.position)
  }
}
