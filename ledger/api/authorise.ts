import { createHash, timingSafeEqual } from 'node:crypto'
import { LedgerError } from '../errors.js'
import type { ApiOptions } from './context.js'
import type { ApiRequest } from './message.js'
import type { Route } from './route.js'

/**
 * Lets a request pass, or says why not. Whoever reaches the socket owns the data folder and may do everything; over TCP
 * writes need the token, and so do reads when `ledger.reads` says so.
 *
 * @throws LedgerError `FORBIDDEN` when no token is configured, `UNAUTHORIZED`
 */
export function authorise(
  access: Route['access'],
  request: Pick<ApiRequest, 'channel' | 'authorization'>,
  options: Pick<ApiOptions, 'token' | 'reads'>,
): void {
  if (request.channel === 'local' || access === 'open') return
  if (access === 'read' && options.reads !== 'token') return
  if (options.token === undefined) {
    throw new LedgerError('FORBIDDEN', 'this ledger takes no writes over TCP: no token is configured')
  }
  const [, given] = /^Bearer +(\S{1,4096})$/i.exec(request.authorization ?? '') ?? []
  // Digests are of one length, and comparing them tells nothing of the token.
  const digest = (value: string): Buffer => createHash('sha256').update(value).digest()
  if (given === undefined || !timingSafeEqual(digest(given), digest(options.token))) {
    throw new LedgerError('UNAUTHORIZED', `a ${access} over TCP needs the bearer token`)
  }
}
