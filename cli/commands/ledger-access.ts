import { join, resolve } from 'node:path'

import { openAccess } from '../../ledger/access.js'
import type { LedgerAccess } from '../../ledger/access.js'
import type { ApiResponse } from '../../ledger/api/message.js'
import { problemError } from '../../runtime/api/problem.js'
import { privateFolder } from '../../runtime/data-folder.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { openTopic } from '../../runtime/topics.js'
import type { CliContext, Flags } from '../context.js'

/** Runs `work` with a way to the ledger of the data folder, over its socket or by being its writer. */
export const withAccess = async (
  context: CliContext,
  flags: Flags,
  work: (access: LedgerAccess, data: string) => Promise<void>,
): Promise<void> => {
  const { config } = context.loadConfig(flags)
  const data = await privateFolder(resolve(config.data))
  const log = context.logger(config, 'ledger')
  const openLedgerTopic = () => {
    const outbox = openOutbox(join(data, 'outbox'), { log })
    return { topic: openTopic(outbox, 'ledger'), close: () => outbox.close() }
  }
  const access = await openAccess({
    data,
    config: config.ledger,
    clock: { now: () => Date.now() },
    log,
    env: context.env,
    openTopic: openLedgerTopic,
  })
  try {
    await work(access, data)
  } finally {
    await access.close()
  }
}

/** The body of a success; a problem becomes the error that the command ends with. */
export const success = (answer: ApiResponse): Uint8Array => {
  if (answer.status < 300) return answer.body
  throw problemError(answer, 'ledger')
}
