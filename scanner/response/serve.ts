import { dirname } from 'node:path'
import type { Logger } from '../../runtime/log.js'
import type { Topic } from '../../runtime/outbox.js'
import type { ScanPool } from '../pool.js'
import type { Vault } from '../quarantine/vault.js'
import type { Record } from '../record.js'
import { Commands } from './commands.js'
import { PersonsActs } from './persons-acts.js'
import { Responder, type ResponsePolicy } from './responder.js'
import { ResponseStore } from './store.js'

export interface ResponseDeps extends Record {
  readonly policy: ResponsePolicy
  /** `<data>/scanner`. */
  readonly folder: string
  /** Topic `commands.scanner`. */
  readonly commands: Topic
  readonly vault: Vault
  readonly pool: ScanPool
  readonly log: Logger
  /** Other digests are blocked than before: what was judged by the old ones is to be judged again. */
  readonly onBlocked: () => void
}

/** Milliseconds after which it is known what another process has blocked, and what has expired. */
const LOOK_MS = 1_000

/** Carries out commands as they come, and keeps the pool to what is blocked. */
export async function startResponse(deps: ResponseDeps): Promise<{ close(): Promise<void> }> {
  const { pool, log, now } = deps
  const store = ResponseStore.open(deps.folder)
  const responder = new Responder({
    vault: deps.vault,
    store,
    policy: deps.policy,
    data: dirname(deps.folder),
    judge: (path) => pool.judge(path, { priority: 'demand' }),
    now,
  })
  let known = '0 0'
  const block = (): void => {
    // An entry that expires leaves the store a moment after it counts no longer.
    const blocked = store.blocked(now())
    const state = `${store.revision} ${blocked.size}`
    if (state === known) return
    known = state
    pool.block(blocked)
    deps.onBlocked()
  }
  const commands = new Commands(responder, deps, log, block)
  block()
  const acts = new PersonsActs({ ...deps, store })
  const resume = async (): Promise<void> => {
    await commands.resume()
    await acts.resume()
  }
  await resume()
  const consumer = deps.commands.consume('scanner', (items) => commands.handle(items))
  let looking = Promise.resolve()
  const timer = setInterval(() => {
    block()
    looking = looking
      .then(async () => {
        await resume()
        await commands.endExpired()
      })
      .catch((error: unknown) =>
        log.error({ err: error }, 'what was begun or has expired could not be ended'),
      )
  }, LOOK_MS)
  return {
    async close() {
      clearInterval(timer)
      await consumer.stop()
      await looking
      await store.close()
    },
  }
}
