import { SecLangError } from '../errors.js'
import type { ActionContext, LinkDraft } from '../draft.js'

/**
 * - `metadata` describes the rule (id, msg, tag…), `log` says how it is recorded, `disruptive` ends the transaction, `flow` steers which
 *   rules come next: these belong to the starter of a chain.
 * - `match` steers how a link matches (capture, multiMatch, t), `effect` changes something on a match: each link has its own.
 */
export type ActionKind = 'metadata' | 'log' | 'disruptive' | 'flow' | 'match' | 'effect'

export interface ActionDefinition {
  /** Lower case. */
  readonly name: string
  readonly kind: ActionKind
  readonly argument: 'none' | 'required' | 'optional'
  /** Applies the action to the rule; throws SecLangError for an argument that it cannot honour. */
  apply(link: LinkDraft, argument: string, context: ActionContext): void
}

export function badArgument(
  action: string,
  argument: string,
  wanted: string,
  context: ActionContext,
): SecLangError {
  const message = `${action}:${argument} is not understood: ${wanted}`
  return new SecLangError('SECLANG_BAD_ARGUMENT', message, context.position)
}

/** A whole number from `min` to `max`. */
export function wholeNumber(
  action: string,
  argument: string,
  min: number,
  max: number,
  context: ActionContext,
): number {
  const value = /^\d{1,15}$/.test(argument) ? Number(argument) : -1
  if (value < min || value > max) {
    throw badArgument(action, argument, `a whole number from ${min} to ${max} is wanted`, context)
  }
  return value
}
