/** Schemas that several routes share. */
import { z } from 'zod'
import { parseDecimal } from '../../proofs/checkpoint.js'
import { LedgerError } from '../errors.js'

export const index = z.int().min(0).describe('Log index, from 0.')
export const size = z.int().min(0).describe('Number of entries of the tree.')
export const hash = z
  .string()
  .regex(/^[A-Za-z0-9+/]{43}=$/)
  .describe('SHA-256 hash in base64.')
export const agent = z
  .string()
  .regex(/^[a-z][a-z0-9._/-]{0,99}$/)
  .describe('Name of an agent.')
export const session = z
  .string()
  .regex(/^[a-z][a-z0-9._/-]{0,99}$/, 'is not the name of a session')
  .describe('Name of a session; slashes in a path are percent-encoded.')
export const checkpoint = z.string().describe('The signed checkpoint (C2SP tlog-checkpoint).')

const DECIMAL = '(?:0|[1-9][0-9]{0,15})'
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}'

/** A number in a path or a query. */
export const decimal = z.string().regex(new RegExp(`^${DECIMAL}$`), 'is not a decimal number')

/** An entry in a path. */
export const entryName = z
  .string()
  .regex(new RegExp(`^(?:${DECIMAL}|${UUID})$`), 'is neither an index nor an id')
  .describe('Index of the entry, or its id (UUIDv7).')

export const problemSchema = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().describe('Machine word; it never changes its meaning.'),
    detail: z.string(),
  })
  .describe('A problem (RFC 9457).')

/** The number that a decimal text means; texts of schema `decimal` that are above 2^53−1 mean none. */
export function numberOf(text: string): number {
  const value = parseDecimal(text)
  if (value === undefined) throw new LedgerError('BAD_REQUEST', `${text} is above 2^53−1`)
  return value
}
