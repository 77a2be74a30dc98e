import { hostname } from 'node:os'
import type { ActionInput, LedgerRecorder } from '../ledger/client/types.js'
import type { CommandEvent, ScanVerdictEvent } from '../runtime/events.js'
import type { Topic } from '../runtime/outbox.js'
import { shorten } from '../runtime/text.js'
import { uuidv7 } from '../runtime/uuid.js'
import type { StoredItem } from './quarantine/vault.js'
import type { FileResult, Reason } from './verdict.js'

/** Where the scanner's findings go: each is an entry of the ledger and an event for the incidents. */
export interface Record {
  readonly ledger: LedgerRecorder
  readonly events: Topic
  readonly now: () => number
}

/** Characters of one reason in the ledger; more than the name of any rule needs. */
const MAX_REASON = 200
/** Reasons that are kept of one file: the ledger's schema takes 200, and no file may make itself unrecordable. */
const MAX_REASONS = 100

/** Records a file that is not clean. Resolves when the event is durable. */
export async function recordFinding(record: Record, result: FileResult, item?: StoredItem): Promise<void> {
  const { verdict } = result
  if (verdict === 'clean' || verdict === 'skipped') return
  const time = record.now()
  const reasons = boundReasons(result.reasons)
  const entry = record.ledger.record({
    kind: 'scan.verdict',
    ts: time,
    members: {
      file: {
        ...(result.sha256 === undefined ? {} : { sha256: result.sha256 }),
        ...(result.size === undefined ? {} : { size: result.size }),
      },
      verdict,
      reasons: reasons.map((reason) => shorten(`${reason.engine}:${reason.rule}`, MAX_REASON)),
    },
  })
  if (item) recordStored(record, item)
  const event: ScanVerdictEvent = {
    id: uuidv7(time),
    time,
    type: 'scan.verdict',
    severity: verdict === 'malicious' ? 'high' : verdict === 'suspicious' ? 'medium' : 'low',
    ...(entry === undefined ? {} : { entry }),
    data: {
      path: result.path,
      host: hostname(),
      sha256: result.sha256 ?? '',
      verdict,
      reasons: reasons.map(({ engine, rule }) => ({ engine, rule })),
      ...(item === undefined ? {} : { quarantine: item.id }),
    },
  }
  await record.events.append(Buffer.from(JSON.stringify(event)))
}

function boundReasons(reasons: readonly Reason[]): readonly Reason[] {
  if (reasons.length <= MAX_REASONS) return reasons
  // A note that counts others stands for them, not for itself.
  const more = reasons.slice(MAX_REASONS).reduce((sum, { count = 1 }) => sum + count, 0)
  return [...reasons.slice(0, MAX_REASONS), { engine: 'limit', rule: `and ${more} more`, level: 'note' }]
}

const recordStored = (record: Record, { id, sha256 }: StoredItem): string | undefined =>
  record.ledger.record({ kind: 'quarantine.stored', ts: record.now(), members: { item: { id, sha256 } } })

/** Something that a person does at the command line, for the ledger and for whoever follows the events. */
export interface PersonsAct {
  /** As in `command.applied` events, e.g. `restore`. */
  readonly action: string
  readonly by: string
  /** What was done, as a sentence. */
  readonly done: string
  readonly quarantine?: string
  readonly entry: Pick<ActionInput, 'kind' | 'members'>
}

/** Records what a person did. Resolves when it is durable. */
export async function recordPersonsAct(record: Record, act: PersonsAct): Promise<void> {
  const time = record.now()
  const { kind, members } = act.entry
  const entry = record.ledger.record({ kind, ts: time, members: { ...members, by: act.by } })
  await record.ledger.flush()
  const event: CommandEvent = {
    id: uuidv7(time),
    time,
    type: 'command.applied',
    severity: 'info',
    ...(entry === undefined ? {} : { entry }),
    data: {
      command: uuidv7(time),
      role: 'scanner',
      action: act.action,
      dry_run: false,
      reason: act.done,
      ...(act.quarantine === undefined ? {} : { quarantine: act.quarantine }),
    },
  }
  await record.events.append(Buffer.from(JSON.stringify(event)))
}
