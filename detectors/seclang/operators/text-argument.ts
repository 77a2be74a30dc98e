import type { OperatorRun } from '../operator.js'

/** An argument that may hold macros: gives the text to compare with. */
export type TextArgument = (run: OperatorRun) => string

/** True when the argument holds a macro, `%{...}`. */
export function hasMacro(argument: string): boolean {
  return argument.includes('%{')
}

/** Prepares an argument: constant, or expanded at each run. */
export function textArgument(argument: string): TextArgument {
  return hasMacro(argument) ? (run) => run.expand(argument) : () => argument
}
