import { MemoryCounterStore } from '../../detectors/memory-counters.js'
import { compileRuleSet, type RuleSet } from '../../detectors/seclang/index.js'
import { Transaction } from '../../detectors/transaction.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'
import { testConfiguration } from './crs-config.js'
import { nativeLine, type Observed } from './ftw-check.js'
import { parseRaw } from './raw-request.js'
import { reflect } from './reflection.js'

const REFUSED: Observed = { status: 400, body: '', ids: [], lines: [] }

/** The engine alone: a transaction is made from the raw bytes of a test, without any listener. */
export class EngineTarget {
  readonly warnings: string[] = []
  readonly rules: RuleSet

  constructor(crs: string) {
    this.rules = compileRuleSet(
      [{ file: 'crs-test.conf', text: testConfiguration(crs), label: 'custom_rules' }],
      {
        files: nodeRuleFiles,
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
    transaction.setResponseBody({ bytes: response.body, complete: true })
    evaluation.run(4)
    evaluation.run(5)
    const logged = evaluation.matches.filter((match) => match.logged)
    return {
      status: response.status,
      body: response.body.toString('latin1'),
      ids: logged.map((match) => match.id),
      lines: logged.map(nativeLine),
    }
  }
}
