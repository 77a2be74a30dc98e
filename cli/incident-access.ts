import { userInfo } from 'node:os'
import { join } from 'node:path'
import { openIncidentAccess } from '../incidents/access.js'
import type { IncidentAccess } from '../incidents/access.js'
import { openActionSigner } from '../ledger/client/action-signer.js'
import { rolePaths } from '../ledger/client/client.js'
import { problemError } from '../runtime/api/problem.js'
import { privateFolder } from '../runtime/data-folder.js'
import { openOutbox } from '../runtime/lmdb-outbox.js'
import { openTopic } from '../runtime/topics.js'
import type { CliContext, Flags } from './context.js'

/** Makes one request to the incidents. @throws IncidentError with the code of what was refused */
export type AskIncidents = (method: string, target: string, body?: object) => Promise<unknown>

/** Lets a command speak with the incidents of the data folder, whether their role runs or not. */
export const withIncidents = async <T>(
  context: CliContext,
  flags: Flags,
  use: (ask: AskIncidents) => Promise<T>,
): Promise<T> => {
  const access = await openAccess(context, flags)
  try {
    return await use(async (method, target, body) => {
      const answer = await access.request(method, target, body)
      if (answer.status >= 300) throw problemError(answer, 'incidents')
      return JSON.parse(Buffer.from(answer.body).toString('utf8')) as unknown
    })
  } finally {
    await access.close()
  }
}

/** The user of this machine, as records name people. */
export const localActor = (): string =>
  userInfo()
    .username.replaceAll(/[^\w.@-]/g, '_')
    .slice(0, 64) || 'local'

const openAccess = async (context: CliContext, flags: Flags): Promise<IncidentAccess> => {
  const { config } = context.loadConfig(flags)
  const log = context.logger(config, 'incidents')
  const data = await privateFolder(config.data)
  return openIncidentAccess({
    settings: config,
    folder: join(data, 'incidents'),
    actor: localActor(),
    now: Date.now,
    log,
    openStores: async () => {
      const outbox = openOutbox(join(data, 'outbox'), { log })
      try {
        const { depth } = openTopic(outbox, 'events')
        if (depth > 0)
          context.stderr.write(`no role takes events in; ${depth} wait, which this does not show\n`)
        const signer = await openActionSigner('incidents', rolePaths(data, 'incidents').keyFile)
        return { ledger: openTopic(outbox, 'ledger'), signer, close: () => outbox.close() }
      } catch (error) {
        await outbox.close()
        throw error
      }
    },
  })
}
