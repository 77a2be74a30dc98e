import { readSecretFile } from '../runtime/data-folder.js'
import { LedgerError } from './errors.js'

/** Shortest token that is taken: fewer characters could be guessed over the network. */
const MIN_TOKEN = 16

/**
 * Reads the secret behind `env:NAME` or `file:PATH`.
 *
 * @throws LedgerError `BAD_KEY` when it is missing or too short; the message never holds it
 */
export async function readToken(
  reference: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  const [scheme, name] = [
    reference.slice(0, reference.indexOf(':')),
    reference.slice(reference.indexOf(':') + 1),
  ]
  let value: string | undefined
  if (scheme === 'env') {
    value = env[name]
  } else {
    const bytes = await readSecretFile(name)
    value = bytes && Buffer.from(bytes).toString('utf8')
  }
  const token = value?.trim() ?? ''
  if (token.length < MIN_TOKEN) {
    throw new LedgerError(
      'BAD_KEY',
      `ledger.token: ${reference} holds no token of at least ${MIN_TOKEN} characters`,
    )
  }
  return token
}
