import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access, realpath } from 'node:fs/promises'
import { delimiter, join, relative, resolve } from 'node:path'
import { promisify } from 'node:util'
import { codeOf, messageOf } from '../../../runtime/errors.js'
import type { AgentConfigOf } from '../config.js'
import { AgentError } from '../errors.js'

const run = promisify(execFile)

/** Where programs are looked for; the role's own PATH is not handed on. */
export const PROGRAM_PATH = '/usr/local/bin:/usr/bin:/bin'

const PROBE_MS = 10_000

/** What a program in the sandbox sees of the system: programs, libraries, and what TLS and name resolution need. */
const SYSTEM = [
  '/usr',
  '/bin',
  '/sbin',
  '/lib',
  '/lib32',
  '/lib64',
  '/etc/alternatives',
  '/etc/ca-certificates',
  '/etc/hosts',
  '/etc/ld.so.cache',
  '/etc/localtime',
  '/etc/nsswitch.conf',
  '/etc/resolv.conf',
  '/etc/ssl/certs',
  '/etc/ssl/openssl.cnf',
]

/** A command line under the confinement. */
export interface Confined {
  readonly file: string
  readonly args: readonly string[]
  readonly uid?: number
  readonly gid?: number
}

/** Puts a command line under the confinement of an agent. @param folder the working folder, the only place to write */
export type Confine = (command: readonly string[], folder: string) => Confined

/**
 * Prepares the confinement of a command agent and proves that a program under it cannot reach the data folder.
 *
 * @param data the data folder
 * @throws AgentError `AGENT_SANDBOX` when there is none, or when it does not hold
 */
export async function confinementOf(
  config: Pick<AgentConfigOf<'command'>, 'id' | 'run_as' | 'sandbox' | 'network' | 'read_only'>,
  data: string,
): Promise<Confine> {
  const refuse = (reason: string, cause?: unknown): AgentError =>
    new AgentError('AGENT_SANDBOX', `the agent ${config.id} is not started: ${reason}`, { cause })
  const { run_as: user, sandbox, network } = config
  if (user === undefined && sandbox === undefined)
    throw refuse('it has neither run_as nor sandbox, so its program could read our data')
  const own = process.getuid?.()
  if (user !== undefined && own !== 0)
    throw refuse(
      `run_as ${user.uid} needs a role that runs as root, this one runs as ${own ?? 'an unknown user'}`,
    )
  const folder = await realpath(data)
  const readOnly = await Promise.all(
    config.read_only.map(async (path) => {
      const real = await realpath(path).catch((cause: unknown) => {
        throw refuse(`read_only ${path} is not there`, cause)
      })
      if (isWithin(real, folder) || isWithin(folder, real))
        throw refuse(`read_only ${path} would show the data folder`)
      return real
    }),
  )
  const privileges = await programAt('setpriv').catch((cause: unknown) => {
    throw refuse('setpriv (util-linux) is not installed', cause)
  })
  const bubblewrap =
    sandbox === undefined
      ? undefined
      : await programAt('bwrap').catch((cause: unknown) => {
          throw refuse('bwrap (bubblewrap) is not installed', cause)
        })

  const confine: Confine = (command, workFolder) => ({
    // A program that is set-uid gains nothing.
    file: privileges,
    args: [
      '--no-new-privs',
      '--',
      ...(bubblewrap === undefined ? [] : [bubblewrap, ...sandboxArguments(workFolder, readOnly, network)]),
      ...command,
    ],
    ...(user === undefined ? {} : { uid: user.uid, gid: user.gid }),
  })

  // `test` says 1 for "no"; anything else means that the confinement itself failed.
  const status = await probe(confine(['/usr/bin/test', sandbox === undefined ? '-x' : '-e', folder], '/tmp'))
  if (status === 0) throw refuse(`a program under its confinement reaches ${folder}`)
  if (status !== 1) throw refuse(`its confinement does not work here: ${status}`)
  return confine
}

function sandboxArguments(folder: string, readOnly: readonly string[], network: boolean): readonly string[] {
  return [
    '--unshare-all',
    ...(network ? ['--share-net'] : []),
    '--die-with-parent',
    '--new-session',
    '--cap-drop',
    'ALL',
    ...[...SYSTEM, ...readOnly].flatMap((path) => ['--ro-bind-try', path, path]),
    '--proc',
    '/proc',
    '--dev',
    '/dev',
    '--tmpfs',
    '/tmp',
    '--bind',
    folder,
    '/work',
    '--chdir',
    '/work',
    '--',
  ]
}

/** The exit status, or why there was none. */
async function probe({ file, args, uid, gid }: Confined): Promise<number | string> {
  try {
    await run(file, args, {
      env: { PATH: PROGRAM_PATH },
      timeout: PROBE_MS,
      killSignal: 'SIGKILL',
      ...(uid === undefined ? {} : { uid, gid }),
    })
    return 0
  } catch (error) {
    const status = error instanceof Error && 'code' in error ? error.code : undefined
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim().slice(0, 300) : ''
    if (status === 1 && said === '') return 1
    return said || (codeOf(error) ?? messageOf(error))
  }
}

async function programAt(name: string): Promise<string> {
  for (const folder of PROGRAM_PATH.split(delimiter)) {
    const path = join(folder, name)
    try {
      await access(path, constants.X_OK)
      return path
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
  }
  throw new AgentError('AGENT_SANDBOX', `${name} is not in ${PROGRAM_PATH}`)
}

const isWithin = (path: string, folder: string): boolean => {
  const way = relative(resolve(folder), resolve(path))
  return way === '' || (!way.startsWith('..') && !way.startsWith('/'))
}
