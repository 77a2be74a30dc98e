/** One connection to the database of the mirror, made when it is needed, and the only way to it. */
import { readFile } from 'node:fs/promises'
import { createConnection } from 'mysql2/promise'
import type { Connection, ConnectionOptions, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { readSecret } from '../../runtime/secret.js'
import { LedgerError } from '../errors.js'
import type { MysqlConfig } from './config.js'

const CONNECT_MS = 5_000
/** A statement that takes longer is given up, with its connection. */
const STATEMENT_MS = 15_000
/** How long a row that another connection has locked is waited for, in seconds. */
const LOCK_WAIT_SECONDS = 5
const DEFAULT_PORT = 3306

/**
 * Reads what `ledger.mysql` says.
 *
 * @throws LedgerError `BAD_MIRROR`; no message holds the URL
 */
export async function mysqlOptions(
  config: MysqlConfig,
  env: Readonly<Record<string, string | undefined>>,
): Promise<ConnectionOptions> {
  const text = await readSecret(config.url, env)
  const url = URL.canParse(text) ? new URL(text) : undefined
  const database = url && decodeURIComponent(url.pathname.slice(1))
  if (url?.protocol !== 'mysql:' || url.username === '' || !database || database.includes('/')) {
    throw new LedgerError(
      'BAD_MIRROR',
      'ledger.mysql.url: the secret is not a URL mysql://USER:PASSWORD@HOST:PORT/DATABASE',
    )
  }
  const other = [...url.searchParams.keys()].find((name) => name !== 'socket')
  if (other !== undefined)
    throw new LedgerError('BAD_MIRROR', `ledger.mysql.url: the parameter ${other} is not known, socket is`)
  const socketPath = url.searchParams.get('socket')
  const login = {
    user: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password),
    database,
  }
  if (socketPath !== null) return { ...login, socketPath }
  const address = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORT : Number(url.port),
  }
  if (config.tls === 'off') return { ...login, ...address }
  const ca = config.ca === undefined ? undefined : await readAuthorities(config.ca)
  return {
    ...login,
    ...address,
    ssl: {
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      verifyIdentity: true,
      ...(ca !== undefined && { ca }),
    },
  }
}

async function readAuthorities(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw new LedgerError('BAD_MIRROR', `ledger.mysql.ca: cannot read ${path}: ${messageOf(cause)}`, {
      cause,
    })
  }
}

/** A value that a statement binds. */
export type SqlValue =
  string | number | Buffer | null | readonly (readonly (string | number | Buffer | null)[])[]

export class MysqlConnection {
  readonly #options: ConnectionOptions
  #connection: Connection | undefined
  /** Operations run one after another: they share the connection, and so its transaction. */
  #last: Promise<unknown> = Promise.resolve()
  #closed = false

  constructor(options: ConnectionOptions) {
    this.#options = options
  }

  /**
   * Runs `work` alone on the connection. After any failure of the database the connection is given up, and what was not
   * committed with it.
   *
   * @throws LedgerError `MIRROR_UNAVAILABLE`, `STOPPED`, and what `work` throws
   */
  run<T>(work: (session: MysqlSession) => Promise<T>): Promise<T> {
    const result = this.#last.then(() => this.#run(work))
    this.#last = result.catch(() => undefined)
    return result
  }

  /** As `run`, in one transaction, which is rolled back when `work` throws. */
  transaction<T>(work: (session: MysqlSession) => Promise<T>): Promise<T> {
    return this.run(async (session) => {
      await session.execute('START TRANSACTION')
      const result = await work(session)
      await session.execute('COMMIT')
      return result
    })
  }

  async close(): Promise<void> {
    await this.#last
    this.#closed = true
    await this.#connection?.end().catch(() => undefined)
    this.#drop()
  }

  /** Cuts the connection: what runs on it fails at once. */
  abort(): void {
    this.#closed = true
    this.#drop()
  }

  async #run<T>(work: (session: MysqlSession) => Promise<T>): Promise<T> {
    if (this.#closed) throw new LedgerError('STOPPED', 'the connection to the mirror is closed')
    try {
      this.#connection ??= await connect(this.#options)
      return await work(new MysqlSession(this.#connection))
    } catch (error) {
      // Closing it is the one rollback that also works when the server does not answer.
      this.#drop()
      throw error instanceof LedgerError ? error : unavailable(error)
    }
  }

  #drop(): void {
    this.#connection?.destroy()
    this.#connection = undefined
  }
}

async function connect(options: ConnectionOptions): Promise<Connection> {
  const connection = await createConnection({
    ...options,
    connectTimeout: CONNECT_MS,
    supportBigNumbers: true,
    charset: 'utf8mb4',
    // A server must not be able to ask for files of this machine.
    flags: ['-LOCAL_FILES'],
  })
  // Without a listener an error between two statements would end the process; the next statement meets it anyway.
  connection.on('error', () => undefined)
  const session = new MysqlSession(connection)
  await session.execute(
    `SET SESSION sql_mode = 'STRICT_ALL_TABLES', autocommit = 1, innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS}`,
  )
  await session.execute('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED')
  return connection
}

/** The statements of one operation. */
export class MysqlSession {
  readonly #connection: Connection

  constructor(connection: Connection) {
    this.#connection = connection
  }

  async rows(sql: string, values: readonly SqlValue[] = []): Promise<readonly RowDataPacket[]> {
    const [rows] = await this.#connection.query<RowDataPacket[]>({
      sql,
      values: [...values],
      timeout: STATEMENT_MS,
    })
    return rows
  }

  /** @returns rows that were changed */
  async execute(sql: string, values: readonly SqlValue[] = []): Promise<number> {
    const [result] = await this.#connection.query<ResultSetHeader>({
      sql,
      values: [...values],
      timeout: STATEMENT_MS,
    })
    return result.affectedRows
  }
}

/** An error of mysql2 holds the whole statement, and so entries: only its code and message go on. */
function unavailable(error: unknown): LedgerError {
  const code = codeOf(error) ?? 'unknown'
  const cause = Object.assign(new Error(messageOf(error) === '' ? code : messageOf(error)), { code })
  return new LedgerError('MIRROR_UNAVAILABLE', `the mirror in MySQL failed: ${cause.message}`, { cause })
}
