import type { Answer } from './answers/answer.js'
import type { Incident, IssueRef } from './incident.js'

/** Who changes an incident. */
export interface Actor {
  /** As the record shows it: `operator`, `tracker:openpr`, `agent:fixer`, `policy:ban-scanners`. */
  readonly name: string
  /** The tracker that the change came from: it is not told of it again. */
  readonly tracker?: string
}

interface ChangeBase {
  /** As the change left it. */
  readonly incident: Incident
  readonly by: Actor
}

/** What playbooks, trackers and alerts react to. */
export type Change =
  | (ChangeBase & { readonly type: 'opened' | 'raised' | 'reopened' | 'resolved' })
  /** One more detection that says something new; see `RepeatGauge` for which ones do. */
  | (ChangeBase & { readonly type: 'repeated' })
  /** A person is asked whether an answer may be given. */
  | (ChangeBase & { readonly type: 'approval_requested'; readonly answer: Answer })
  /** A question is closed: its answer was granted, denied, or nobody said anything. */
  | (ChangeBase & { readonly type: 'approval_closed'; readonly answer: Answer })
  | (ChangeBase & { readonly type: 'state'; readonly from: Incident['state'] })
  | (ChangeBase & { readonly type: 'assigned' })
  | (ChangeBase & { readonly type: 'commented'; readonly text: string; readonly id: string })
  | (ChangeBase & { readonly type: 'filed'; readonly issue: IssueRef })
  | (ChangeBase & {
      readonly type: 'run_completed'
      readonly run: string
      readonly agent: string
      readonly status: 'success' | 'failed' | 'timeout'
      /** What the agent says of it; untrusted. */
      readonly summary: string
    })

/**
 * Decides what follows from a change. It runs inside the transaction of that change and may only write to the store: what
 * reaches outside becomes work.
 */
export type Reaction = (change: Change) => void
