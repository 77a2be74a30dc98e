import type { Database } from 'lmdb'
import type { Change, Reaction } from './change.js'
import type { Core } from './core.js'
import { uuidv7 } from '../runtime/uuid.js'

const tableOf = ({ store }: Core): Database<Change, string> => store.table('deferred')

/** Keeps changes that are made while no role runs: what follows from them is decided when one starts. */
export const deferring =
  (core: Core): Reaction =>
  (change) =>
    tableOf(core).putSync(uuidv7(core.now()), change)

/** Has the reactions of a starting role decide on what was changed while none ran. */
export async function catchUp(core: Core): Promise<void> {
  const table = tableOf(core)
  await core.change(() => {
    // Read whole before anything is taken away.
    const deferred = [...table.getRange({})]
    for (const { key, value } of deferred) {
      table.removeSync(key)
      core.lifecycle.react(value)
    }
  })
}
