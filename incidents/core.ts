import type { Logger } from 'pino'
import type { ActionSigner } from '../ledger/client/action-signer.js'
import { messageOf } from '../runtime/errors.js'
import type { OutboundConfig } from '../runtime/outbound.js'
import { shorten } from '../runtime/text.js'
import type { AnswersPolicy } from './answers/config.js'
import type { Reaction } from './change.js'
import type { IncidentsConfig } from './config.js'
import { Lifecycle } from './lifecycle.js'
import { stepOf } from './step.js'
import { IncidentStore } from './store.js'
import type { AgentConfig, ControlPlaneConfig } from './agents/config.js'
import type { PlaybookConfig } from './playbooks/config.js'
import type { AlertConfig } from './alerts/config.js'
import type { TrackerConfig } from './trackers/config.js'

/** The parts of the configuration that incidents are about. */
export interface IncidentsSettings {
  readonly incidents: IncidentsConfig
  readonly alerts: readonly AlertConfig[]
  readonly trackers: readonly TrackerConfig[]
  readonly agents: readonly AgentConfig[]
  readonly control_plane?: ControlPlaneConfig | undefined
  readonly playbooks: readonly PlaybookConfig[]
  readonly answers: AnswersPolicy
  readonly outbound: OutboundConfig
}

export interface CoreDeps {
  readonly settings: IncidentsSettings
  /** `<data>/incidents`. */
  readonly folder: string
  readonly signer: ActionSigner
  readonly now: () => number
  readonly log: Logger
  /** Told after each transaction of the store: work may be due, and entries may wait for the ledger. */
  readonly changed: () => void
  /** Told of a step that does not fit the ledger. */
  readonly unrecorded?: () => void
}

/**
 * Incidents and what follows from them, decided and durable, but not done: a running role does it, and a command on a stopped
 * one leaves it for the next start.
 */
export interface Core {
  readonly settings: IncidentsSettings
  readonly store: IncidentStore
  readonly lifecycle: Lifecycle
  readonly now: () => number
  readonly log: Logger
  /** Adds what follows from a change in a neighbour's eyes. */
  addReaction(reaction: Reaction): void
  /** Runs `work` as one transaction of the store. */
  change<T>(work: () => T): Promise<T>
}

/** Opens the store. Nothing follows from a change before somebody adds reactions. */
export async function openCore(deps: CoreDeps): Promise<Core> {
  const { settings, folder, signer, now, log, changed } = deps
  const store = await IncidentStore.open(folder, {
    signer,
    now,
    onCommitted: changed,
    onUnrecorded(problem) {
      log.error({ problem }, 'a step of an incident does not fit the ledger')
      deps.unrecorded?.()
    },
  })
  const reactions: Reaction[] = []
  const lifecycle = new Lifecycle({
    store,
    now,
    reactions,
    onFailed(error, { type, incident }) {
      log.error(
        { err: error, incident: incident.id, change: type },
        'what follows from a change could not be decided',
      )
      store.addStep(stepOf('failed', now(), incident, { error: shorten(messageOf(error), 1000) }))
    },
  })
  const core: Core = {
    settings,
    store,
    lifecycle,
    now,
    log,
    addReaction: (reaction) => void reactions.push(reaction),
    change: (work) => store.transaction(work),
  }
  return core
}
