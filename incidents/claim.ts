import type { Database } from 'lmdb'
import { ownIdentity, processState } from '../runtime/process-identity.js'
import type { ProcessIdentity } from '../runtime/process-identity.js'
import { IncidentError } from './errors.js'
import type { IncidentStore } from './store.js'

const ROLE = 'role'

const tableOf = (store: IncidentStore): Database<ProcessIdentity, typeof ROLE> => store.table('claims')

/**
 * Says that the role of this process works on the store from now on, so that no command decides anything there any more and no
 * second role does the same work again. Must run inside a transaction of the store, whose lock all processes share.
 *
 * @throws IncidentError `IN_USE` while another process does
 */
export function claim(store: IncidentStore): void {
  const other = claimedBy(store)
  if (other !== undefined)
    throw new IncidentError('IN_USE', `process ${other} works on these incidents already`)
  tableOf(store).putSync(ROLE, ownIdentity())
}

/** Gives it back; must run inside a transaction of the store. */
export const release = (store: IncidentStore): void => void tableOf(store).removeSync(ROLE)

/**
 * The process whose role works on the store, unless it is this one. One that ended without a word does not; of one in another
 * container nothing is known, and it is taken for ended.
 */
export function claimedBy(store: IncidentStore): number | undefined {
  const holder = tableOf(store).get(ROLE)
  const own = ownIdentity()
  if (!holder || (holder.pid === own.pid && holder.started === own.started)) return undefined
  return processState(holder, own) === 'runs' ? holder.pid : undefined
}
