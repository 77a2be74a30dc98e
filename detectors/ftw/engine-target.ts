import { MemoryCounterStore } from '../memory-counters.js'
import type { RuleFiles } from '../ports.js'
import { compileRuleSet, type RuleSet } from '../seclang/index.js'
import { Transaction } from '../transaction.js'
import { nativeLine, type Observed } from './check.js'
import { testConfiguration } from './configuration.js'
import { parseRaw } from './raw-request.js'
import { reflect } from './reflection.js'

const REFUSED: Observed = { status: 400, body: '', ids: [], lines: [] }

/** The engine alone: a transaction is made from the raw bytes of a test, without any listener. */
export class EngineTarget {
  readonly warnings: string[] = []
  readonly rules: RuleSet

  /**
   * @param crs folder of the rule set
   * @throws SecLangError for a rule that cannot be honoured
   */
  constructor(crs: string, files: RuleFiles) {
    this.rules = compileRuleSet(
      [{ file: 'crs-test.conf', text: testConfiguration(crs), label: 'custom_rules' }],
      {
        files,
        modes: new Map(),
        siteMode: 'block',
        warn: (message, position) => this.warnings.push(`${position.file}:${position.line}: ${message}`),
      },
    )
  }

  send(bytes: Buffer): Observed {
    const raw = parseRaw(bytes)
    if (!raw) return REFUSED
    const transaction = new Transaction(
      { address: '127.0.0.1', port: 4000, serverAddress: '127.0.0.1', serverPort: 80, tls: false },
      {
        requestId: '01900000-0000-7000-8000-000000000000',
        method: raw.method,
        target: raw.target,
        httpVersion: raw.version,
        headers: raw.headers,
      },
      { clock: { now: () => Date.now() }, counters: new MemoryCounterStore() },
    )
    const evaluation = this.rules.begin(transaction)
    evaluation.run(1)
    transaction.setRequestBody({ bytes: raw.body, complete: true })
    evaluation.run(2)
    const response = reflect(raw.target, raw.body)
    transaction.setResponse({ status: response.status, headers: response.headers })
    evaluation.run(3)
    if (evaluation.wantsResponseBody) transaction.setResponseBody({ bytes: response.body, complete: true })
    evaluation.run(4)
    evaluation.run(5)
    const logged = evaluation.matches.filter((match) => match.logged)
    return {
      status: raw.refused ? 400 : response.status,
      body: response.body.toString('latin1'),
      ids: logged.map((match) => match.id),
      lines: logged.map(nativeLine),
    }
  }
}
