import { z } from 'zod'
import { PATCH_SHAPES, roleOf } from '../../runtime/commands.js'
import type { Command, CommandRole } from '../../runtime/commands.js'

/** Answers that a role of ours carries out, and one that a program of the operator's does. */
export const ACTION_TYPES = [
  'ban_client',
  'block_url',
  'virtual_patch',
  'quarantine',
  'delete',
  'kill',
  'block_hash',
  'run_command',
] as const
export type ActionType = (typeof ACTION_TYPES)[number]

/** What an agent may propose: everything that has a subject. */
export const PROPOSABLE = ['ban_client', 'block_url', 'virtual_patch', 'quarantine', 'block_hash'] as const

/** An exact answer: nothing about it is decided later. */
export type AnswerAction =
  | Exclude<Command['action'], { type: 'revoke' | 'restore' }>
  /** A listed command; `argv` is what the configuration said when it was asked for. */
  | { readonly type: 'run_command'; readonly command: string; readonly argv: readonly string[] }

/** Answers that end by themselves; the others are done once. */
export const EXPIRES: ReadonlySet<ActionType> = new Set([
  'ban_client',
  'block_url',
  'virtual_patch',
  'block_hash',
])

export const carriedOutBy = (action: AnswerAction): CommandRole | 'program' =>
  action.type === 'run_command' ? 'program' : roleOf(action.type)

/** What an answer is aimed at, as one text; equal for answers that would do the same. */
export function subjectKey(action: AnswerAction): string {
  switch (action.type) {
    case 'ban_client':
      return action.address
    case 'block_url':
      return `${action.site} ${action.path}`
    case 'virtual_patch':
      return `${action.site} ${action.path} ${action.variable} ${action.allow}`
    case 'block_hash':
      return action.sha256
    case 'run_command':
      return action.command
    default:
      return `${action.sha256} ${action.path_base64 ?? action.path}`
  }
}

/** Members of a virtual patch that playbooks set. */
export const patchOptions = {
  allow: z
    .enum(PATCH_SHAPES)
    .default('word')
    .describe('What a harmless value of the parameter is made of. Default word.'),
  max_length: z.int().min(1).max(4096).default(64).describe('Longest harmless value. Default 64.'),
}
