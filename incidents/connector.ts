import type { Logger } from 'pino'
import type { LedgerRecorder } from '../ledger/client/types.js'
import type { CommandEvent } from '../runtime/events.js'
import type { Topic } from '../runtime/outbox.js'
import type { UpgradeHandler } from '../runtime/api/server.js'
import type { Route } from './api/route.js'
import type { Reaction } from './change.js'
import type { Core } from './core.js'
import type { WorkQueue } from './work/queue.js'

/** What the running role gives to trackers, agents, playbooks and alerts. */
export interface ConnectorDeps {
  readonly core: Core
  /** `<data>/incidents`. */
  readonly folder: string
  /** Topics of commands, by the role that carries them out. */
  readonly commands: { readonly gateway: Topic; readonly scanner: Topic }
  /** Where others reach this role, without a slash at the end; known only when the role listens. */
  readonly publicUrl: () => string
  /** Records what belongs to no incident, in the session of the role. */
  readonly recorder: Pick<LedgerRecorder, 'record' | 'flush'>
  readonly log: Logger
}

/** What a neighbour adds to the running role. */
export interface Connector {
  /** What it makes follow from changes to incidents. */
  readonly reaction?: Reaction
  /** Says which kinds of work it does. */
  readonly register?: (queue: WorkQueue) => void
  readonly routes?: readonly Route[]
  /** Figures of its own in Prometheus' text format, each line ended. */
  readonly metrics?: () => string
  /** WebSockets by path. */
  readonly upgrades?: Readonly<Record<string, UpgradeHandler>>
  /** What came of a command; runs inside the transaction that takes the event in, and may only write to the store. */
  readonly commandEvent?: (event: CommandEvent) => void
  /** Called when the role serves. */
  readonly start?: () => void | Promise<void>
  /** Called after the last attempt at work has ended. */
  readonly close?: () => Promise<void>
}
