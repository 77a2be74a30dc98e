import { resolve } from 'node:path'
import { z } from 'zod'
import { readSecretFile } from './data-folder.js'
import { RuntimeError } from './errors.js'

/** `env:NAME` or `file:PATH`: configuration says where a secret is, never what it is. */
export const secretReference = z
  .string()
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/, 'must be env:NAME or file:PATH, never the secret itself')

/**
 * Reads the secret that a reference names, without trailing line ends.
 * @throws RuntimeError `SECRET_MISSING`, and the `KEY_FILE_…` codes for a file that others may read
 */
export async function readSecret(
  reference: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const name = reference.slice(reference.indexOf(':') + 1)
  const bytes = reference.startsWith('env:')
    ? env[name]
    : await readSecretFile(resolve(name)).then((content) => content && Buffer.from(content).toString('utf8'))
  const secret = bytes?.replace(/[\r\n]+$/, '')
  if (secret === undefined || secret === '')
    throw new RuntimeError('SECRET_MISSING', `the secret ${reference} is empty or does not exist`)
  return secret
}
