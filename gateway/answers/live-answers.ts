import { parseNetwork } from '../../detectors/ip-address.js'
import { IpSet } from '../../detectors/ip-set.js'
import type { AnswerList } from '../../detectors/ports.js'
import type { AnswerSnapshot } from './answer.js'

/** The answers that hold, as the phases of one thread ask for them. Each change puts whole new sets in place of the old. */
export class LiveAnswers implements AnswerList {
  banned = new IpSet([])
  #paths: ReadonlyMap<string, ReadonlySet<string>> = new Map()

  replace({ bans, paths }: AnswerSnapshot): void {
    this.banned = new IpSet(bans.flatMap((text) => parseNetwork(text) ?? []))
    this.#paths = new Map([...paths].map(([site, list]) => [site, new Set(list)]))
  }

  blockedPaths(site: string): ReadonlySet<string> | undefined {
    return this.#paths.get(site)
  }
}
