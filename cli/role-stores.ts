import { resolve } from 'node:path'

import { openLedgerRecorder, rolePaths } from '../ledger/client/client.js'
import type { LedgerSession } from '../ledger/client/client.js'
import { privateFolder } from '../runtime/data-folder.js'
import { openOutbox } from '../runtime/lmdb-outbox.js'
import type { Logger } from '../runtime/log.js'
import type { Outbox, Topic } from '../runtime/outbox.js'
import { openTopic } from '../runtime/topics.js'
import type { Config } from './config.js'

/** What a role that records has open in the data folder. */
export interface RoleStores {
  /** The data folder, absolute. */
  readonly data: string
  readonly outbox: Outbox
  readonly events: Topic
  readonly ledger: LedgerSession
  close(): Promise<void>
}

/** Opens the outbox of a data folder and a ledger session under the role's own key, making what is missing. */
export const openRoleStores = async (config: Config, role: string, log: Logger): Promise<RoleStores> => {
  const data = await privateFolder(resolve(config.data))
  await privateFolder(data, role)
  const outbox = openOutbox(`${data}/outbox`, { log })
  try {
    const ledger = await openLedgerRecorder({
      agent: role,
      ...rolePaths(data, role),
      topic: openTopic(outbox, 'ledger'),
      clock: { now: () => Date.now() },
      log,
      summaryAbovePerSecond: config.record.summary_above_per_second,
      maxDelayMs: config.record.max_delay_seconds * 1000,
      maxBatch: config.record.max_batch,
    })
    return {
      data,
      outbox,
      events: openTopic(outbox, 'events'),
      ledger,
      async close() {
        await ledger.close()
        await outbox.close()
      },
    }
  } catch (error) {
    await outbox.close()
    throw error
  }
}
