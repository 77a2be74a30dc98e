import type { Inspection } from '../detectors/inspection.js'
import type { Pipeline } from '../detectors/pipeline.js'
import type { ClientInfo, RequestHead } from '../detectors/request.js'
import type { Judge } from './site.js'

/**
 * The pipeline of a site with the virtual patches that hold now. A request is judged to its end by the rules that it began
 * with; the next one begins with the new ones.
 */
export class SitePipeline implements Judge {
  #current: Pipeline
  #patches = ''

  constructor(readonly configured: Pipeline) {
    this.#current = configured
  }

  inspect(client: ClientInfo, head: RequestHead): Inspection {
    return this.#current.inspect(client, head)
  }

  /**
   * Replaces the patches by others.
   *
   * @param rules SecLang; empty for none
   * @throws SecLangError, RangeError for an id that the site has already; the old patches stay then
   */
  patch(rules: string): void {
    if (rules === this.#patches) return
    this.#current = rules === '' ? this.configured : this.configured.patchedWith(rules)
    this.#patches = rules
  }
}
