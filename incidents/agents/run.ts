import { z } from 'zod'

/** Attempts of one dispatch at most; each is a run with an id and a token of its own. */
export const MAX_ATTEMPTS = 3

/** Proposals of one result at most. */
export const MAX_PROPOSALS = 16

/** Bytes of a result at most; a longer one is refused whole, never cut. */
export const MAX_RESULT_BYTES = 64 * 1024

/**
 * What an agent would like to be done. It is a wish and no more: policy takes only listed actions on subjects that are in
 * the evidence of this incident, and decides, or asks a person.
 */
export const proposedAction = z.strictObject({
  action: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,63}$/)
    .describe('Name of an action of playbooks, e.g. ban_client.'),
  subject: z.string().min(1).max(2048).describe('What it is done to, exactly as the evidence names it.'),
  seconds: z.number().int().positive().max(31_536_000).optional().describe('For how long, where it expires.'),
  reason: z.string().max(1000).optional(),
})

export type ProposedAction = z.output<typeof proposedAction>

/** What an agent sends back, by whichever way: `POST /v1/agent-runs/{run}/result`, tunnel, callback, standard output. */
export const runResult = z.strictObject({
  run_id: z.uuidv7(),
  status: z.enum(['success', 'failed', 'timeout']),
  summary: z.string().max(8192).default(''),
  proposed_actions: z.array(proposedAction).max(MAX_PROPOSALS).default([]),
})

export type RunResult = z.output<typeof runResult>

/**
 * - `queued`: waits for a place, or for the agent to take it
 * - `processing`: is being handed over, or is worked on by a process of ours
 * - `awaiting`: the agent has it, its result is awaited until `deadline`
 * - `success`, `failed`: its result is here
 * - `timeout`: the deadline passed, or the agent says that it took too long
 */
export type RunState = 'queued' | 'processing' | 'awaiting' | 'success' | 'failed' | 'timeout'

/** Whether nothing more is expected of a run. */
export const isFinished = (state: RunState): boolean =>
  state === 'success' || state === 'failed' || state === 'timeout'

/** One attempt to have an agent look at an incident. */
export interface Run {
  /** UUIDv7; also the idempotency key on the agent's side. */
  readonly id: string
  readonly incident: string
  /** `id` of the configured agent. */
  readonly agent: string
  /** From 1. */
  readonly attempt: number
  /** The run whose failure this one follows. */
  readonly previous?: string
  readonly state: RunState
  /** Who asked: `playbook:NAME`, `tracker:NAME`, `operator:NAME`. */
  readonly by: string
  /** Milliseconds since the Unix epoch. */
  readonly created: number
  /** No result after it; set when the run is handed over. Milliseconds since the Unix epoch. */
  readonly deadline?: number
  /** SHA-256 (hexadecimal) of each token that was handed out for it, the latest last. */
  readonly tokens: readonly string[]
  /** How often handing it over failed; waiting for a place is no failure. */
  readonly failures: number
  /** Whether the ledger has its `dispatched` step. */
  readonly dispatched: boolean
  /** What the agent's side calls it. */
  readonly external?: string
  readonly result?: RunResult
  readonly finished?: number
  /** Work of the queue that belongs to it: its dispatch first, then its timers. */
  readonly work: readonly string[]
}
