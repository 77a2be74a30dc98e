import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from 'pino'
import type { ActionSigner } from '../ledger/client/action-signer.js'
import { JSON_TYPE } from '../runtime/api/response.js'
import type { ApiResponse } from '../runtime/api/response.js'
import type { Topic } from '../runtime/outbox.js'
import { isUnserved, requestOverSocket } from '../runtime/unix-socket.js'
import { Answers } from './answers/answers.js'
import { answerRoutes } from './answers/routes.js'
import { IncidentApi, SOCKET_NAME } from './api/api.js'
import { incidentRoutes } from './api/incidents.js'
import { claimedBy } from './claim.js'
import { openCore } from './core.js'
import type { Core, IncidentsSettings } from './core.js'
import { deferring } from './deferred.js'
import { IncidentError } from './errors.js'
import { EntryRecorder } from './recorder.js'

export interface AccessDeps {
  readonly settings: IncidentsSettings
  /** `<data>/incidents`. */
  readonly folder: string
  /** Who acts, as the record shows it: letters, digits and `. _ @ -`. */
  readonly actor: string
  readonly now: () => number
  readonly log: Logger
  /** Opens what only is needed while no role runs. */
  readonly openStores: () => Promise<{
    readonly ledger: Topic
    readonly signer: ActionSigner
    close(): Promise<void>
  }>
}

/** How a command on the same machine reaches the incidents: it speaks the API, whoever answers. */
export interface IncidentAccess {
  /** @throws IncidentError `UNREACHABLE` when a role works on the incidents but does not serve */
  request(method: string, target: string, body?: object): Promise<ApiResponse>
  close(): Promise<void>
}

const RETRY_MS = 50
/** How long a role may take between its first look at the store and serving, or between its last answer and its end. */
const SETTLE_MS = 30_000

/**
 * Over the socket of the role that runs; when none does, on the store itself: what follows from a change is then decided when
 * the role starts. A role that has begun or not yet ended is waited for: it alone decides what follows.
 */
export function openIncidentAccess(deps: AccessDeps): IncidentAccess {
  let stored: Promise<StoredIncidents> | undefined
  return {
    async request(method, target, body) {
      const headers = {
        'x-portcullis-actor': deps.actor,
        ...(body && { 'content-type': JSON_TYPE }),
      }
      const bytes = Buffer.from(body ? JSON.stringify(body) : '')
      for (let waited = 0; ; waited += RETRY_MS) {
        // Asked apart: of a request whose answer does not come nobody knows whether it was carried out.
        if (await isServed(deps.folder))
          return requestOverSocket(deps.folder, SOCKET_NAME, { method, target, headers, body: bytes })
        stored ??= openStored(deps)
        const answer = await (await stored).answer(method, target, headers, bytes)
        if (typeof answer === 'object') return answer
        if (waited >= SETTLE_MS)
          throw new IncidentError(
            'UNREACHABLE',
            `process ${answer} works on the incidents, but does not answer on its socket`,
          )
        await pause(RETRY_MS)
      }
    },
    async close() {
      await (await stored)?.close()
    },
  }
}

interface StoredIncidents {
  /** @returns the process whose role has the store, when one has: nothing was done then */
  answer(
    method: string,
    target: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
  ): Promise<ApiResponse | number>
  close(): Promise<void>
}

async function openStored({ settings, folder, now, log, openStores }: AccessDeps): Promise<StoredIncidents> {
  const stores = await openStores()
  const opened = await openCore({
    settings,
    folder,
    signer: stores.signer,
    now,
    log,
    changed: () => undefined,
  })
  const { store } = opened
  /** Of roles that began while a request was answered. */
  const begun: number[] = []
  const core: Core = {
    ...opened,
    change: (work) =>
      opened.change(() => {
        const role = claimedBy(store)
        if (role === undefined) return work()
        begun.push(role)
        throw new IncidentError('IN_USE', `the role has begun: process ${role}`)
      }),
  }
  core.addReaction(deferring(core))
  const routes = [...incidentRoutes(core), ...answerRoutes(core, new Answers(core))]
  const api = new IncidentApi(routes, [], (error) => {
    if (begun.length === 0) log.error({ err: error }, 'the request failed')
  })
  return {
    async answer(method, target, headers, body) {
      store.refresh()
      const role = claimedBy(store)
      if (role !== undefined) return role
      const admitted = api.admit({ method, target, channel: 'local', headers })
      const answer = 'status' in admitted ? admitted : await admitted.answer(body)
      return begun.pop() ?? answer
    },
    async close() {
      await new EntryRecorder({ store, topic: stores.ledger, log }).stop()
      await store.close()
      await stores.close()
    },
  }
}

async function isServed(folder: string): Promise<boolean> {
  try {
    await requestOverSocket(folder, SOCKET_NAME, { target: '/health' })
    return true
  } catch (error) {
    if (isUnserved(error)) return false
    throw error
  }
}
