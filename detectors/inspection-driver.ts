import { DetectorError } from './errors.js'
import type { Inspection, InspectionResult } from './inspection.js'
import type { Phase, PhaseContext, PhaseDecision } from './phase.js'
import { OWN_RULE_IDS } from './policy-match.js'
import { type RequestPath, requestPath } from './request-path.js'
import type { BodyView, ResponseHead } from './request.js'
import type { Evaluation, Interruption, RuleSet, SeclangPhase } from './seclang/index.js'
import { weaker } from './seclang/mode.js'
import type { Transaction } from './transaction.js'
import type { Action, Mode, RuleMatch, Verdict, VerdictPhase } from './verdict.js'
import { ALLOW } from './verdict.js'
import { decidingRule, isEvaluation, productPhase } from './verdict-rule.js'

/** What is the same for all transactions of a site. */
export interface InspectionPlan {
  readonly siteMode: Mode
  /** What happens when not all parameters or cookies could be judged. */
  readonly limitAction: 'block' | 'log'
  readonly policies: PolicyPlan
  readonly rules: RuleSet
  /** Nanoseconds from any fixed point. */
  readonly monotonic?: () => number
}

type Hook = 'onClient' | 'onRequestHeaders' | 'onRequestBody' | 'onResponseHeaders' | 'onResponseBody'

/** The phases that have something to do at each hook, in running order, with their modes. */
export type PolicyPlan = Readonly<
  Record<Hook | 'onEnd', readonly { readonly phase: Phase; readonly mode: Mode }[]>
>

export function planPolicies(policies: readonly Phase[], modeOf: (phase: Phase) => Mode): PolicyPlan {
  const at = (hook: Hook | 'onEnd'): PolicyPlan[Hook] =>
    policies.filter((phase) => phase[hook] !== undefined).map((phase) => ({ phase, mode: modeOf(phase) }))
  return {
    onClient: at('onClient'),
    onRequestHeaders: at('onRequestHeaders'),
    onRequestBody: at('onRequestBody'),
    onResponseHeaders: at('onResponseHeaders'),
    onResponseBody: at('onResponseBody'),
    onEnd: at('onEnd'),
  }
}

const NO_MATCHES: readonly RuleMatch[] = []

/** Limits that leave values of the request unjudged; the others only cost detail, or are the gateway's own. */
const REQUEST_LIMITS = ['arguments', 'cookies']

/** Ids of what is neither a phase nor a rule: a request that the gateway refuses, a limit of ours. */
export const MALFORMED_RULE_ID = OWN_RULE_IDS + 1950
export const LIMIT_RULE_ID = OWN_RULE_IDS + 1951

/** What ended the transaction, or in mode `detect` would have. */
interface Outcome {
  readonly action: Action
  readonly status: number
  readonly mode: Mode
  readonly phase: VerdictPhase
  readonly rule: number
  readonly reason: string
  readonly location?: string
  readonly retryAfter?: number
}

/** Judges one transaction step by step, as `Inspection` says. */
export class InspectionDriver implements Inspection, PhaseContext {
  readonly #matches: RuleMatch[] = []
  readonly #timings: [string, number][] = []
  #evaluation: Evaluation | undefined
  #path: RequestPath | undefined
  /** What ended it. */
  #outcome: Outcome | undefined
  /** The first thing that would have, were its mode `block`. */
  #would: Outcome | undefined
  /** A trusted client: nothing judges it any more. */
  #trusted: Outcome | undefined
  /** A trusted path, held until all client phases are through. */
  #sparesContent: Outcome | undefined
  #ended = false

  constructor(
    readonly plan: InspectionPlan,
    readonly tx: Transaction,
  ) {}

  get path(): RequestPath {
    return (this.#path ??= requestPath(this.tx.target))
  }

  client(): Verdict {
    this.#hooks('onClient')
    return this.#verdict()
  }

  requestHeaders(): Verdict {
    return this.#content('onRequestHeaders', 1)
  }

  get wantsRequestBody(): boolean {
    if (this.#isOver() || this.#sparesContent !== undefined) return false
    return this.#begun().wantsRequestBody || this.plan.policies.onRequestBody.length > 0
  }

  requestBody(body: BodyView): Verdict {
    if (!this.#isOver()) {
      this.tx.setRequestBody(body)
      // What the base rules tell a body that was decoded for them from one that still hides behind its coding.
      if (body.decoded) this.#begun().setVariable('portcullis_body_decoded', '1')
    }
    this.#content('onRequestBody', 2)
    this.#checkLimits()
    return this.#verdict()
  }

  responseHeaders(head: ResponseHead): Verdict {
    if (!this.#isOver()) this.tx.setResponse(head)
    return this.#content('onResponseHeaders', 3)
  }

  get wantsResponseBody(): boolean {
    if (this.#isOver() || this.#sparesContent !== undefined) return false
    return this.#begun().wantsResponseBody || this.plan.policies.onResponseBody.length > 0
  }

  responseBody(body: BodyView): Verdict {
    if (!this.#isOver()) this.tx.setResponseBody(body)
    return this.#content('onResponseBody', 4)
  }

  truncate(limit: string): void {
    this.tx.truncate(limit)
  }

  malformed(reason: string): Verdict {
    this.tx.malformed = reason
    if (this.#outcome === undefined && this.#trusted === undefined) this.#run(1)
    // Whatever the rules said: it cannot be forwarded, in no mode.
    this.#outcome = {
      action: 'block',
      status: 400,
      mode: 'block',
      phase: 'malformed',
      rule: MALFORMED_RULE_ID,
      reason,
    }
    this.#matches.push(ownMatch(MALFORMED_RULE_ID, 'malformed', 'Request is malformed', reason))
    return this.#verdict()
  }

  end(): InspectionResult {
    if (this.#ended) throw new DetectorError('DETECTOR_STATE', 'end was called twice for one transaction')
    this.#ended = true
    this.#run(5)
    for (const { phase } of this.plan.policies.onEnd) phase.onEnd?.(this)
    const verdict = this.#verdict()
    // Policies come first: they are asked before the rules of the same step.
    const matches = this.#matches
    const decided = verdict.action !== 'allow'
    for (const match of this.#evaluation?.matches ?? NO_MATCHES) matches.push(shown(match, decided))
    return { verdict, matches, timings: this.#timings }
  }

  /** One step of the content phases: policies first, then the rules of a seclang phase. */
  #content(hook: Hook, phase: SeclangPhase): Verdict {
    if (this.#isOver() || this.#sparesContent !== undefined) return this.#verdict()
    this.#hooks(hook)
    if (!this.#isOver()) this.#run(phase)
    return this.#verdict()
  }

  #hooks(hook: Hook): void {
    const { monotonic } = this.plan
    for (const { phase, mode } of this.plan.policies[hook]) {
      if (this.#isOver()) return
      const start = monotonic?.() ?? 0
      const decision = phase[hook]?.(this)
      if (monotonic !== undefined) this.#timings.push([phase.name, monotonic() - start])
      if (decision !== undefined) this.#decide(decision, mode)
    }
  }

  #decide(decision: PhaseDecision, mode: Mode): void {
    const { kind, match } = decision
    this.#matches.push(match)
    const action = kind === 'skip_content' ? 'allow' : kind
    const outcome: Outcome = {
      action,
      status: decision.status ?? (action === 'block' ? 403 : action === 'redirect' ? 302 : 0),
      mode,
      phase: match.phase,
      rule: match.id,
      reason: decision.reason,
      ...(decision.location === undefined ? {} : { location: decision.location }),
      ...(decision.retryAfter === undefined ? {} : { retryAfter: decision.retryAfter }),
    }
    if (kind === 'allow' || kind === 'skip_content') {
      // Trust that is only tried out must not change what is judged.
      if (mode !== 'block' && this.plan.siteMode === 'block') return
      if (kind === 'allow') this.#trusted = outcome
      else this.#sparesContent = outcome
    } else if (mode === 'block') this.#outcome = outcome
    else this.#would ??= outcome
  }

  #run(phase: SeclangPhase): void {
    // Seclang phase 5 is for what was judged: a client that was turned away before has nothing in it.
    if (phase === 5 && this.#evaluation === undefined) return
    const { monotonic } = this.plan
    const evaluation = this.#begun()
    const start = monotonic?.() ?? 0
    const interruption = evaluation.run(phase)
    if (monotonic !== undefined) this.#timings.push([`seclang_phase_${phase}`, monotonic() - start])
    if (phase === 5) return
    if (interruption !== undefined && interruption.action !== 'allow') {
      this.#outcome ??= outcomeOf(interruption, evaluation)
    }
    if (evaluation.wouldBe !== undefined) this.#would ??= outcomeOf(evaluation.wouldBe, evaluation)
  }

  #checkLimits(): void {
    if (this.#isOver() || this.plan.limitAction !== 'block' || this.#evaluation === undefined) return
    const limit = REQUEST_LIMITS.find((name) => this.tx.truncated.includes(name))
    if (limit === undefined) return
    const mode = weaker(this.plan.siteMode, this.#evaluation.engineMode)
    const reason = `more ${limit} than are judged`
    const outcome: Outcome = {
      action: 'block',
      status: 400,
      mode,
      phase: 'request',
      rule: LIMIT_RULE_ID,
      reason,
    }
    this.#matches.push(ownMatch(LIMIT_RULE_ID, 'request', 'Request exceeds a limit of judging', limit))
    if (mode === 'block') this.#outcome = outcome
    else this.#would ??= outcome
  }

  #begun(): Evaluation {
    return (this.#evaluation ??= this.plan.rules.begin(this.tx))
  }

  #isOver(): boolean {
    return this.#outcome !== undefined || this.#trusted !== undefined
  }

  #verdict(): Verdict {
    const { siteMode } = this.plan
    const { truncated } = this.tx
    const score = this.#evaluation?.score ?? 0
    const outcome = this.#outcome ?? this.#trusted
    // V8 takes a microsecond for keys that are new behind a spread, and next to nothing for those in front of it.
    if (outcome !== undefined) return { score, truncated: [...truncated], ...outcome }
    const would = this.#would
    if (would !== undefined) {
      const { phase, rule, reason } = would
      return {
        action: 'log',
        status: 0,
        mode: 'detect',
        phase,
        rule,
        score,
        reason,
        truncated: [...truncated],
        would: { action: would.action, status: would.status },
      }
    }
    if (this.#sparesContent !== undefined) return { score, truncated: [...truncated], ...this.#sparesContent }
    if (score === 0 && truncated.length === 0 && siteMode === 'block') return ALLOW
    return { ...ALLOW, mode: siteMode, score, truncated: [...truncated] }
  }
}

function outcomeOf(interruption: Interruption, evaluation: Evaluation): Outcome {
  const { match, label } = interruption
  const deciding = isEvaluation(match) ? (decidingRule(label, evaluation.matches) ?? match) : match
  return {
    action: interruption.action,
    status: interruption.status,
    mode: interruption.mode,
    phase: productPhase(match.id, label),
    rule: deciding.id,
    reason: deciding.msg === '' ? `rule ${deciding.id}` : deciding.msg,
    ...(interruption.location === undefined ? {} : { location: interruption.location }),
  }
}

/** A match as it is shown: under its product phase, and logged where it explains what was decided. */
function shown(match: RuleMatch, decided: boolean): RuleMatch {
  const phase = productPhase(match.id, match.phase)
  // Signs are too common to be logged on their own; where they decided something they are what explains it.
  const logged = match.logged || (decided && match.tags.includes('portcullis/sign'))
  return phase === match.phase && logged === match.logged ? match : { ...match, phase, logged }
}

function ownMatch(id: number, phase: VerdictPhase, msg: string, data: string): RuleMatch {
  return {
    id,
    seclangPhase: 0,
    phase,
    severity: 4,
    msg,
    data,
    variable: '',
    sample: '',
    tags: ['portcullis'],
    logged: true,
  }
}
