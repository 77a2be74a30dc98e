import { PHASE_NAMES, type PhaseName } from './verdict.js'

/** What a phase judges: the client before any content is read, or the content of the request. */
export type PhaseScope = 'client' | 'content'

export interface PhaseStep {
  readonly name: PhaseName
  /** The number that users know. It is a name: the order is that of the list. */
  readonly number: number
  readonly scope: PhaseScope
  /** Made of rules in SecLang, or a policy of its own. */
  readonly kind: 'policy' | 'seclang'
}

/**
 * The running order, held here and nowhere else. Client phases run before any content is read; `url_allow` is held
 * until they are through, because it spares content phases only. Content phases made of SecLang run inside one
 * evaluation: by seclang phase, then in this order.
 */
export const PHASE_ORDER: readonly PhaseStep[] = [
  step('ip_allow', 'client', 'policy'),
  step('ip_block', 'client', 'policy'),
  step('url_allow', 'client', 'policy'),
  step('url_block', 'client', 'policy'),
  step('geoip', 'client', 'policy'),
  step('rate_limit', 'client', 'policy'),
  step('hotlink', 'content', 'policy'),
  step('scanner', 'content', 'seclang'),
  step('sql_injection', 'content', 'seclang'),
  step('xss', 'content', 'seclang'),
  step('rce', 'content', 'seclang'),
  step('traversal', 'content', 'seclang'),
  step('custom_rules', 'content', 'seclang'),
  step('owasp_crs', 'content', 'seclang'),
]

/** Position of a phase among the 17, as users know it. */
export function phaseNumber(name: PhaseName): number {
  return PHASE_NAMES.indexOf(name) + 1
}

export function isAvailable(name: PhaseName): boolean {
  return PHASE_ORDER.some((entry) => entry.name === name)
}

/** Why a phase cannot be used yet, for a startup error. */
export function unavailableReason(name: PhaseName): string {
  return `phase "${name}" is not available in this version`
}

function step(name: PhaseName, scope: PhaseScope, kind: 'policy' | 'seclang'): PhaseStep {
  return { name, number: phaseNumber(name), scope, kind }
}
