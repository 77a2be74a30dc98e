import t from 'tap'
import { type ProfileRequest, compile, judge } from './profile.js'

/** Rules, a request, and which rules match on it. */
export interface Profile {
  readonly name: string
  readonly rules: string
  readonly request?: ProfileRequest
  readonly files?: Readonly<Record<string, string>>
  /** Ids that match, exactly and in order. */
  readonly hits: readonly number[]
  /** Action and status that end the transaction; `none` when nothing does. */
  readonly ends?: string
  readonly truncated?: readonly string[]
}

/** Judges every profile and asserts how many there were. */
export function runProfiles(profiles: readonly Profile[], count: number): void {
  t.equal(profiles.length, count, `${count} profiles are run`)
  for (const { name, rules, request = {}, files = {}, hits, ends, truncated } of profiles) {
    t.test(name, (t) => {
      const { ids, interruption, tx } = judge(compile(rules, { files }), request)
      t.same(ids, hits)
      if (ends !== undefined) {
        t.equal(interruption === undefined ? 'none' : `${interruption.action} ${interruption.status}`, ends)
      }
      if (truncated !== undefined) t.same(tx.truncated, truncated)
      t.end()
    })
  }
}
