import { readSecret } from '../runtime/secret.js'
import { LedgerError } from './errors.js'

/** Shortest token that is taken: fewer characters could be guessed over the network. */
const MIN_TOKEN = 16

/**
 * Reads the bearer token behind a reference.
 *
 * @throws LedgerError `BAD_KEY` when it is too short, and what `readSecret` throws; no message holds it
 */
export async function readToken(
  reference: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const token = (await readSecret(reference, env)).trim()
  if (token.length < MIN_TOKEN)
    throw new LedgerError('BAD_KEY', `ledger.token: the token has fewer than ${MIN_TOKEN} characters`)
  return token
}
