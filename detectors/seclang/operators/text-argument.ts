import type { OperatorRun } from '../operator.js'
import { noRequirement, textRequirement } from '../prefilter/index.js'
import type { Requirement } from '../prefilter/index.js'

/** An argument that may hold macros: gives the text to compare with. */
export type TextArgument = (run: OperatorRun) => string

/** True when the argument holds a macro, `%{...}`. */
export function hasMacro(argument: string): boolean {
  return argument.includes('%{')
}

/** What a value must hold for the argument to stand in it. */
export function heldText(argument: string): Requirement {
  return hasMacro(argument) ? noRequirement : textRequirement([argument], false)
}

/** Prepares an argument: constant, or expanded at each run. */
export function textArgument(argument: string): TextArgument {
  return hasMacro(argument) ? (run) => run.expand(argument) : () => argument
}
