import { codeOf } from '../../runtime/errors.js'
import type { Vault } from '../quarantine/vault.js'
import { recordPersonsAct, type PersonsAct, type Record } from '../record.js'
import type { ResponseStore } from './store.js'

export interface PersonsActsDeps extends Record {
  readonly store: ResponseStore
  readonly vault: Pick<Vault, 'show'>
}

/** What persons do to items of the vault at the command line: each is recorded once it is done, whatever ends the command. */
export class PersonsActs {
  constructor(readonly deps: PersonsActsDeps) {}

  /** @param item that is in the vault no longer once the act is done */
  async carryOut<T>(item: string, act: PersonsAct, perform: () => Promise<T>): Promise<T> {
    const { store } = this.deps
    await store.beginAct(item, act)
    let result
    try {
      result = await perform()
    } catch (error) {
      await store.endAct(item)
      throw error
    }
    await recordPersonsAct(this.deps, act)
    await store.endAct(item)
    return result
  }

  /** Records what a command did that was killed before it could. */
  async resume(): Promise<void> {
    const { store, vault } = this.deps
    for (const [item, act] of await store.takeOverActs()) {
      if (await isGone(vault, item)) await recordPersonsAct(this.deps, act)
      await store.endAct(item)
    }
  }
}

/** An item that is still there, damaged or not, was not taken out. */
const isGone = (vault: Pick<Vault, 'show'>, item: string): Promise<boolean> =>
  vault.show(item).then(
    () => false,
    (error: unknown) => {
      if (codeOf(error) === 'QUARANTINE_NOT_FOUND') return true
      throw error
    },
  )
