/** A MariaDB server of the tests' own, in a folder of theirs. */
import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { createConnection } from 'mysql2/promise'
import type { Connection, ConnectionOptions } from 'mysql2/promise'

const run = promisify(execFile)

export interface MariaDb {
  readonly socket: string
  /** Makes an empty database. */
  database(name: string): Promise<ConnectionOptions>
  /** A connection of an operator. */
  connect(database?: string): Promise<Connection>
  pid(): number
  /** Ends the server at once, as a power cut of its machine would. */
  kill(): Promise<void>
  start(): Promise<void>
  close(): Promise<void>
}

/** @param settings further options of the server (`--port=…`); without them it listens on its socket alone */
export async function startMariaDb(settings: readonly string[] = ['--skip-networking']): Promise<MariaDb> {
  // Short, because the path of a socket is.
  const folder = await mkdtemp(join(tmpdir(), 'mdb-'))
  const data = join(folder, 'data')
  const socket = join(folder, 's')
  const common = ['--no-defaults', `--datadir=${data}`, `--user=${userInfo().username}`]
  await run('mariadb-install-db', [...common, '--auth-root-authentication-method=normal', '--skip-test-db'])
  let server: ChildProcess | undefined
  const connect = (database?: string): Promise<Connection> =>
    createConnection({ socketPath: socket, user: 'root', ...(database !== undefined && { database }) })
  const start = async (): Promise<void> => {
    const options = [`--socket=${socket}`, '--innodb-buffer-pool-size=32M', '--skip-log-bin', ...settings]
    const started = spawn('mariadbd', [...common, ...options], { stdio: ['ignore', 'ignore', 'pipe'] })
    server = started
    let errors = ''
    started.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    for (;;) {
      try {
        await (await connect()).end()
        return
      } catch {
        if (started.exitCode !== null) throw new Error(`mariadbd ended: ${errors}`)
        await pause(50)
      }
    }
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === undefined || server.exitCode !== null || server.signalCode !== null) return
    const ended = once(server, 'exit')
    server.kill(signal)
    await ended
  }
  await start()
  return {
    socket,
    connect,
    start,
    pid: () => server?.pid ?? 0,
    kill: () => end('SIGKILL'),
    async database(name) {
      const connection = await connect()
      await connection.query(`CREATE DATABASE \`${name}\``)
      await connection.end()
      return { socketPath: socket, user: 'root', database: name }
    },
    async close() {
      await end('SIGKILL')
      await rm(folder, { recursive: true, force: true })
    },
  }
}
