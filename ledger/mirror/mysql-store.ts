/**
 * The log in MySQL or MariaDB: its entries, its checkpoint and the writer's lease, in a database that holds one log.
 * Every operation either happened or threw; what to do about a database that is away is the mirror's matter.
 */
import type { ConnectionOptions, RowDataPacket } from 'mysql2/promise'
import { decodeBase64, encodeBase64 } from '../../proofs/base64.js'
import { LedgerError } from '../errors.js'
import type { Commit, IndexedEntry, LeaseRecord, RecordedCheckpoint } from '../index-store.js'
import type { LogStore } from '../log-store.js'
import { MysqlConnection } from './mysql-connection.js'
import type { MysqlSession } from './mysql-connection.js'

/** One multi-row insert at most: as hexadecimal it is twice as long, and still below what every server takes. */
const INSERT_BYTES = 1024 * 1024
const INSERT_ROWS = 1_000
/** Rises when the tables change their meaning. */
const VERSION = 1

const TABLES = [
  `CREATE TABLE IF NOT EXISTS portcullis_ledger (
    only_row TINYINT NOT NULL PRIMARY KEY,
    version INT NOT NULL,
    origin VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    size BIGINT NOT NULL,
    root BINARY(32) NOT NULL,
    time BIGINT NOT NULL
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS portcullis_ledger_lease (
    only_row TINYINT NOT NULL PRIMARY KEY,
    epoch BIGINT NOT NULL,
    holder VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
    renewed BIGINT NOT NULL
  ) ENGINE=InnoDB`,
  `CREATE TABLE IF NOT EXISTS portcullis_ledger_entries (
    position BIGINT NOT NULL PRIMARY KEY,
    leaf BINARY(32) NOT NULL,
    agent VARCHAR(100) CHARACTER SET ascii COLLATE ascii_bin NULL,
    id CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NULL,
    entry MEDIUMBLOB NOT NULL,
    UNIQUE KEY entry_id (agent, id),
    UNIQUE KEY entry_leaf (leaf)
  ) ENGINE=InnoDB`,
  // Epoch 0 means that nobody ever held it; the row is there so that two first writers wait for each other.
  `INSERT IGNORE INTO portcullis_ledger_lease VALUES (1, 0, '', 0)`,
]

export class MysqlStore implements LogStore {
  readonly #connection: MysqlConnection
  readonly #origin: string | undefined
  /** Root of the checkpoint that this writer last read or wrote. */
  #root: string | undefined

  /** Use `MysqlStore.open`. */
  private constructor(connection: MysqlConnection, origin: string | undefined) {
    this.#connection = connection
    this.#origin = origin
  }

  /**
   * Opens the database, making its tables when there are none.
   *
   * @param origin of the log that it holds or will hold; `undefined` when any will do
   * @throws LedgerError `MIRROR_UNAVAILABLE`, or `BAD_MIRROR` for a database that holds another log, tables of another
   *   version, or that may forget what it committed
   */
  static async open(options: ConnectionOptions, origin?: string): Promise<MysqlStore> {
    const store = new MysqlStore(new MysqlConnection(options), origin)
    try {
      await store.#connection.run((session) => store.#prepare(session))
    } catch (error) {
      await store.close()
      throw error
    }
    return store
  }

  get checkpoint(): Promise<RecordedCheckpoint | undefined> {
    // A consistent read: it takes no lock, and so waits for none.
    return this.#connection.run(async (session) => {
      const row = await this.#ledgerRow(session, '')
      if (row !== undefined) this.#root = row.root
      return row
    })
  }

  /** The database's clock, in milliseconds since the Unix epoch: the one that writers on different machines share. */
  async now(): Promise<number> {
    const [row] = await this.#connection.run((session) =>
      session.rows('SELECT FLOOR(UNIX_TIMESTAMP(NOW(3)) * 1000) AS now'),
    )
    return Number(row?.['now'])
  }

  async changeLease(decide: (present: LeaseRecord | undefined) => LeaseRecord): Promise<LeaseRecord> {
    return this.#connection.transaction(async (session) => {
      const next = decide(await readLease(session))
      await session.execute(
        'UPDATE portcullis_ledger_lease SET epoch = ?, holder = ?, renewed = ? WHERE only_row = 1',
        [next.epoch, JSON.stringify(next.holder), next.renewed],
      )
      return next
    })
  }

  async initialise(checkpoint: RecordedCheckpoint): Promise<void> {
    const origin = this.#origin
    if (origin === undefined)
      throw new LedgerError('BAD_MIRROR', 'a mirror is begun for a log of a known origin')
    const inserted = await this.#connection.run((session) =>
      session.execute('INSERT IGNORE INTO portcullis_ledger VALUES (1, ?, ?, ?, ?, ?)', [
        VERSION,
        origin,
        checkpoint.size,
        rootBytes(checkpoint),
        checkpoint.time,
      ]),
    )
    if (inserted === 0) throw new LedgerError('ALREADY_INITIALISED', 'the mirror holds a checkpoint already')
    this.#root = checkpoint.root
  }

  /**
   * Entries and checkpoint in one transaction. The same commit again, whose first answer was lost, changes nothing.
   *
   * @throws LedgerError `CHECKPOINT_CONFLICT`, `MIRROR_UNAVAILABLE`
   */
  async commit(commit: Commit): Promise<void> {
    const { checkpoint, from } = commit
    await this.#connection.transaction(async (session) => {
      // The lease first, as changeLease does: nobody can take it before this transaction has ended.
      const lease = await readLease(session)
      if (lease?.epoch !== commit.epoch) {
        throw conflict(`another writer holds the lease (epoch ${lease?.epoch}, ours is ${commit.epoch})`)
      }
      const present = await this.#ledgerRow(session, 'FOR UPDATE')
      if (present?.size === checkpoint.size && present.root === checkpoint.root) return
      if (present?.size !== from || present.root !== this.#root || checkpoint.size <= from) {
        throw conflict(
          `a checkpoint of ${checkpoint.size} entries cannot follow ${present?.size} in the mirror`,
        )
      }
      for (const rows of chunks(commit.entries)) await insert(session, rows)
      await session.execute(
        'UPDATE portcullis_ledger SET size = ?, root = ?, time = ? WHERE only_row = 1 AND size = ? AND root = ?',
        [checkpoint.size, rootBytes(checkpoint), checkpoint.time, from, rootBytes({ root: present.root })],
      )
    })
    this.#root = checkpoint.root
  }

  async findId(agent: string, id: string): Promise<number | undefined> {
    return this.#position('agent = ? AND id = ?', [agent, id])
  }

  async findLeaf(leaf: Uint8Array): Promise<number | undefined> {
    return this.#position('leaf = ?', [Buffer.from(leaf)])
  }

  /**
   * Entries `first` to `first + count - 1`, verbatim.
   *
   * @throws LedgerError `NOT_FOUND` when one of them is not there
   */
  async entries(first: number, count: number): Promise<readonly Uint8Array[]> {
    const rows = await this.#connection.run((session) =>
      session.rows(
        'SELECT position, entry FROM portcullis_ledger_entries WHERE position >= ? AND position < ? ORDER BY position',
        [first, first + count],
      ),
    )
    const entries: Uint8Array[] = []
    for (const row of rows) {
      const bytes: unknown = row['entry']
      if (Number(row['position']) !== first + entries.length || !Buffer.isBuffer(bytes)) break
      entries.push(bytes)
    }
    if (entries.length < count)
      throw new LedgerError('NOT_FOUND', `the mirror lacks entry ${first + entries.length}`)
    return entries
  }

  /** The origin of the log that the database holds. */
  async origin(): Promise<string | undefined> {
    const [row] = await this.#connection.run((session) =>
      session.rows('SELECT origin FROM portcullis_ledger'),
    )
    return row === undefined ? undefined : String(row['origin'])
  }

  async close(): Promise<void> {
    await this.#connection.close()
  }

  /** As `close`, without waiting for what is under way. */
  abort(): void {
    this.#connection.abort()
  }

  async #prepare(session: MysqlSession): Promise<void> {
    for (const statement of TABLES) await session.execute(statement)
    const [durable] = await session.rows('SELECT @@innodb_flush_log_at_trx_commit AS flush')
    if (Number(durable?.['flush']) !== 1) {
      throw new LedgerError(
        'BAD_MIRROR',
        'ledger.mysql: the server may forget what it committed: set innodb_flush_log_at_trx_commit to 1',
      )
    }
    const [row] = await session.rows('SELECT version, origin FROM portcullis_ledger')
    if (row === undefined) return
    const found = { version: Number(row['version']), origin: String(row['origin']) }
    if (found.version !== VERSION) {
      throw new LedgerError(
        'BAD_MIRROR',
        `ledger.mysql: the tables have version ${found.version}, not ${VERSION}`,
      )
    }
    if (this.#origin !== undefined && found.origin !== this.#origin) {
      throw new LedgerError(
        'BAD_MIRROR',
        `ledger.mysql: the database holds the log ${found.origin}, not ${this.#origin}`,
      )
    }
  }

  async #ledgerRow(session: MysqlSession, lock: '' | 'FOR UPDATE'): Promise<RecordedCheckpoint | undefined> {
    const [row] = await session.rows(
      `SELECT size, root, time FROM portcullis_ledger WHERE only_row = 1 ${lock}`,
    )
    return row && { size: Number(row['size']), root: rootOf(row), time: Number(row['time']) }
  }

  async #position(where: string, values: readonly (string | Buffer)[]): Promise<number | undefined> {
    const [row] = await this.#connection.run((session) =>
      session.rows(`SELECT position FROM portcullis_ledger_entries WHERE ${where}`, values),
    )
    return row === undefined ? undefined : Number(row['position'])
  }
}

async function readLease(session: MysqlSession): Promise<LeaseRecord | undefined> {
  const [row] = await session.rows(
    'SELECT epoch, holder, renewed FROM portcullis_ledger_lease WHERE only_row = 1 FOR UPDATE',
  )
  const epoch = Number(row?.['epoch'] ?? 0)
  if (row === undefined || epoch === 0) return undefined
  return { epoch, holder: readHolder(String(row['holder'])), renewed: Number(row['renewed']) }
}

/** A holder that we cannot read is one whom we cannot ask for: its lease lives as long as it is renewed. */
function readHolder(text: string): LeaseRecord['holder'] {
  const unknown = { pid: 0, started: '', boot: '', namespace: '' }
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' ? { ...unknown, ...value } : unknown
  } catch {
    return unknown
  }
}

async function insert(session: MysqlSession, entries: readonly IndexedEntry[]): Promise<void> {
  const rows = entries.map(({ index, leaf, identity, bytes }) => [
    index,
    Buffer.from(leaf),
    identity?.agent ?? null,
    identity?.id ?? null,
    Buffer.from(bytes),
  ])
  try {
    await session.execute(
      'INSERT INTO portcullis_ledger_entries (position, leaf, agent, id, entry) VALUES ?',
      [rows],
    )
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ER_DUP_ENTRY')
      throw conflict('the mirror holds one of the entries already, at another index or behind its checkpoint')
    throw error
  }
}

function chunks(entries: readonly IndexedEntry[]): readonly (readonly IndexedEntry[])[] {
  const result: IndexedEntry[][] = []
  let bytes = Infinity
  for (const entry of entries) {
    const last = result.at(-1)
    bytes += entry.bytes.length
    if (last === undefined || bytes > INSERT_BYTES || last.length === INSERT_ROWS) {
      result.push([entry])
      bytes = entry.bytes.length
    } else last.push(entry)
  }
  return result
}

function rootBytes({ root }: Pick<RecordedCheckpoint, 'root'>): Buffer {
  const bytes = decodeBase64(root)
  if (bytes === undefined) throw new LedgerError('BAD_MIRROR', 'a root is not base64')
  return Buffer.from(bytes)
}

function rootOf(row: RowDataPacket): string {
  const root: unknown = row['root']
  return Buffer.isBuffer(root) ? encodeBase64(root) : ''
}

function conflict(message: string): LedgerError {
  return new LedgerError('CHECKPOINT_CONFLICT', message)
}
