import { execFile } from 'node:child_process'
import { resolve } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'
import { readSecretFile } from './data-folder.js'
import { codeOf, RuntimeError } from './errors.js'

/** How long a program may take to hand out a secret. */
const EXEC_MS = 10_000
/** Most that it may write. */
const EXEC_BYTES = 64 * 1024

const run = promisify(execFile)
const argumentList = z.array(z.string().min(1)).min(1).max(32)

/**
 * `env:NAME`, `file:PATH` or `exec:["PROGRAM","ARGUMENT",…]`: configuration says where a secret is, never what it is. The
 * program is started without a shell and prints the secret.
 */
export const secretReference = z
  .string()
  .max(4200)
  .refine(
    (reference) => /^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/.test(reference) || isExec(reference),
    'must be env:NAME, file:PATH or exec:["PROGRAM","ARGUMENT"], never the secret itself',
  )

function isExec(reference: string): boolean {
  return reference.startsWith('exec:') && programOf(reference) !== undefined
}

function programOf(reference: string): readonly string[] | undefined {
  try {
    return argumentList.parse(JSON.parse(reference.slice('exec:'.length)))
  } catch {
    return undefined
  }
}

/**
 * Reads the secret that a reference names, without trailing line ends.
 *
 * @throws RuntimeError `SECRET_MISSING`, `SECRET_PROVIDER` for a program that fails, takes over 10 s or writes over 64 KiB,
 *   and the `KEY_FILE_…` codes for a file that others may read. No message holds anything of the secret.
 */
export async function readSecret(
  reference: string,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<string> {
  const secret = (await readReference(reference, env))?.replace(/[\r\n]+$/, '')
  if (secret === undefined || secret === '')
    throw new RuntimeError('SECRET_MISSING', `the secret ${nameOf(reference)} is empty or does not exist`)
  return secret
}

/** A reference as messages may show it: the arguments of a program stay out. */
function nameOf(reference: string): string {
  return reference.startsWith('exec:') ? `exec:${programOf(reference)?.[0] ?? ''}` : reference
}

async function readReference(
  reference: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (!secretReference.safeParse(reference).success)
    throw new RuntimeError(
      'SECRET_MISSING',
      'a secret is named as env:NAME, file:PATH or exec:["PROGRAM","ARGUMENT"]',
    )
  const name = reference.slice(reference.indexOf(':') + 1)
  if (reference.startsWith('env:')) return env[name]
  if (reference.startsWith('exec:')) return runProvider(programOf(reference) ?? [], env)
  const bytes = await readSecretFile(resolve(name))
  return bytes && Buffer.from(bytes).toString('utf8')
}

async function runProvider(
  [program = '', ...args]: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<string> {
  try {
    const { stdout } = await run(program, args, {
      env,
      timeout: EXEC_MS,
      killSignal: 'SIGKILL',
      maxBuffer: EXEC_BYTES,
      windowsHide: true,
    })
    return stdout
  } catch (error) {
    // Neither its output nor its arguments are repeated: both may hold what nobody should read. Hence no cause either.
    throw new RuntimeError(
      'SECRET_PROVIDER',
      `the program ${program} hands out no secret: ${failureOf(error)}`,
    )
  }
}

function failureOf(error: unknown): string {
  if (codeOf(error) === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return `it writes more than ${EXEC_BYTES} bytes`
  if (!(error instanceof Error)) return 'it cannot run'
  if ('killed' in error && error.killed === true) return `it takes longer than ${EXEC_MS / 1000} s`
  const status = 'code' in error && typeof error.code === 'number' ? error.code : undefined
  if (status !== undefined) return `it exits with status ${status}`
  return `it cannot run (${codeOf(error) ?? 'ended by a signal'})`
}
