import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { open } from 'lmdb'

import { privateFolderSync } from './data-folder.js'
import { messageOf, RuntimeError } from './errors.js'
import { checkLmdbFile } from './lmdb-file.js'
import { TopicStore } from './lmdb-topic.js'
import type { ItemKey, OutboxStores, StateKey } from './lmdb-topic.js'
import type { Logger } from './log.js'
import type { Outbox, Topic } from './outbox.js'

export interface OutboxOptions {
  /** Told when a handler rejects; nothing is logged without it. */
  readonly log?: Logger
}

/**
 * Opens the outbox of a data folder, making it when there is none. Several processes, and several threads of one, may hold
 * it open at once: LMDB's write lock puts their appends in one order.
 *
 * Durability: LMDB syncs each commit before it is acknowledged (`overlappingSync` is off on purpose), and appends that
 * arrive while a commit runs share the next one.
 *
 * @param folder a folder of its own, `<data>/outbox`
 * @throws RuntimeError `OUTBOX_OPEN`, and the codes of {@link privateFolderSync}
 */
export const openOutbox = (folder: string, options: OutboxOptions = {}): Outbox => {
  const path = privateFolderSync(folder)
  checkLmdbFile(join(path, 'data.mdb'))
  let stores: OutboxStores
  try {
    // With batches by event turn, lmdb makes a promise of its own for each, whose rejection nobody can take up.
    const root = open({
      path,
      noSubdir: false,
      overlappingSync: false,
      eventTurnBatching: false,
      maxDbs: 4,
    })
    stores = {
      root,
      items: root.openDB<Buffer, ItemKey>('items', { encoding: 'binary' }),
      state: root.openDB<number, StateKey>('state', { encoding: 'json' }),
    }
    for (const file of ['data.mdb', 'lock.mdb']) chmodSync(join(path, file), 0o600)
  } catch (error) {
    throw new RuntimeError('OUTBOX_OPEN', `cannot open the outbox in ${path}: ${messageOf(error)}`, {
      cause: error,
    })
  }

  const topics = new Map<string, TopicStore>()
  let closing: Promise<void> | undefined
  return {
    topic(name, { consumers, capacity }): Topic {
      if (closing) throw new RuntimeError('OUTBOX_CLOSED', 'the outbox is closed')
      const topic = topics.get(name) ?? new TopicStore(stores, name, capacity, options.log)
      topics.set(name, topic)
      topic.register(consumers)
      return topic
    },
    close(): Promise<void> {
      closing ??= (async () => {
        await Promise.all([...topics.values()].map((topic) => topic.close()))
        await stores.root.close()
      })()
      return closing
    },
  }
}
