import type { Ports, RuleFiles } from '../../../detectors/ports.js'
import type { HeaderList } from '../../../detectors/request.js'
import {
  type Evaluation,
  type EvaluationTrace,
  type Interruption,
  type RuleSet,
  type RuleSourceInput,
  type SeclangPhase,
  compileRuleSet,
} from '../../../detectors/seclang/index.js'
import { Transaction } from '../../../detectors/transaction.js'
import type { Mode, PhaseName } from '../../../detectors/verdict.js'

/** A request as profiles write it; text is byte strings. */
export interface ProfileRequest {
  readonly method?: string
  readonly target?: string
  readonly version?: '1.0' | '1.1' | '2.0'
  readonly headers?: HeaderList
  readonly body?: string
  readonly bodyComplete?: boolean
  readonly client?: string
  readonly clientPort?: number
  readonly server?: string
  readonly response?: { readonly status: number; readonly headers?: HeaderList; readonly body?: string }
}

export interface Judged {
  readonly evaluation: Evaluation
  readonly tx: Transaction
  readonly interruption: Interruption | undefined
  /** Ids of all matches, each once, in order. */
  readonly ids: readonly number[]
}

/** 2024-02-29 12:34:56 UTC, a Thursday. */
export const NOW = Date.UTC(2024, 1, 29, 12, 34, 56)

/** Rule and data files that live in memory. */
export function memoryFiles(files: Readonly<Record<string, string>> = {}): RuleFiles {
  return {
    read: (path) => {
      const text = files[path]
      if (text === undefined) throw new Error(`no file ${path}`)
      return text
    },
    expand: (pattern) => {
      const [before = '', after] = pattern.split('*', 2)
      if (after === undefined) return [pattern]
      return Object.keys(files)
        .filter((path) => path.startsWith(before) && path.endsWith(after))
        .toSorted()
    },
  }
}

export interface CompileProfile {
  readonly files?: Readonly<Record<string, string>>
  readonly modes?: ReadonlyMap<PhaseName, Mode>
  readonly siteMode?: Mode
  readonly warnings?: string[]
}

export function compile(
  rules: string | readonly RuleSourceInput[],
  { files = {}, modes = new Map(), siteMode = 'block', warnings = [] }: CompileProfile = {},
): RuleSet {
  const sources: readonly RuleSourceInput[] =
    typeof rules === 'string' ? [{ file: '/rules/test.conf', text: rules, label: 'custom_rules' }] : rules
  return compileRuleSet(sources, {
    files: memoryFiles(files),
    modes,
    siteMode,
    warn: (message, { file, line }) => warnings.push(`${file}:${line}: ${message}`),
  })
}

export function transaction(request: ProfileRequest = {}, ports: Partial<Ports> = {}): Transaction {
  return new Transaction(
    {
      address: request.client ?? '192.0.2.7',
      port: request.clientPort ?? 40123,
      serverAddress: request.server ?? '198.51.100.1',
      serverPort: 8080,
      tls: false,
    },
    {
      requestId: '018d0000-0000-7000-8000-000000000001',
      method: request.method ?? 'GET',
      target: request.target ?? '/',
      httpVersion: request.version ?? '1.1',
      headers: request.headers ?? [['Host', 'shop.example']],
    },
    {
      clock: { now: () => NOW },
      counters: {
        take: () => ({ ok: true, retryAfterMs: 0 }),
        offend: () => 0,
        ban: () => undefined,
        bannedUntil: () => 0,
      },
      ...ports,
    },
  )
}

/** Runs all seclang phases that the request reaches, as the gateway does. */
export function judge(
  ruleSet: RuleSet,
  request: ProfileRequest = {},
  { trace, ports = {} }: { trace?: EvaluationTrace; ports?: Partial<Ports> } = {},
): Judged {
  const tx = transaction(request, ports)
  const evaluation = ruleSet.begin(tx, trace)
  let interruption: Interruption | undefined
  const run = (phase: SeclangPhase): boolean => {
    const found = evaluation.run(phase)
    interruption ??= found
    return found !== undefined && found.action !== 'allow'
  }
  const through = (): void => {
    if (run(1)) return
    if (request.body !== undefined) {
      tx.setRequestBody({
        bytes: Buffer.from(request.body, 'latin1'),
        complete: request.bodyComplete ?? true,
      })
    }
    if (run(2) || request.response === undefined) return
    tx.setResponse({ status: request.response.status, headers: request.response.headers ?? [] })
    if (run(3)) return
    tx.setResponseBody({ bytes: Buffer.from(request.response.body ?? '', 'latin1'), complete: true })
    run(4)
  }
  through()
  evaluation.run(5)
  return { evaluation, tx, interruption, ids: [...new Set(evaluation.matches.map(({ id }) => id))] }
}

/** A form body with the headers that belong to it. */
export function form(body: string, target = '/'): ProfileRequest {
  return {
    method: 'POST',
    target,
    headers: [
      ['Host', 'shop.example'],
      ['Content-Type', 'application/x-www-form-urlencoded'],
    ],
    body,
  }
}
