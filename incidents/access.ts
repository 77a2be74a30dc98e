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
import { openCore } from './core.js'
import type { IncidentsSettings } from './core.js'
import { deferring } from './deferred.js'
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
  request(method: string, target: string, body?: object): Promise<ApiResponse>
  close(): Promise<void>
}

/**
 * Over the socket of the role that runs; when none does, on the store itself: what follows from a change is then decided when
 * the role starts.
 */
export async function openIncidentAccess(deps: AccessDeps): Promise<IncidentAccess> {
  const headers = { 'x-portcullis-actor': deps.actor }
  const overSocket = (method: string, target: string, body?: object): Promise<ApiResponse> =>
    requestOverSocket(deps.folder, SOCKET_NAME, {
      method,
      target,
      headers,
      ...(body && { contentType: JSON_TYPE, body: Buffer.from(JSON.stringify(body)) }),
    })
  try {
    await overSocket('GET', '/health')
    return { request: overSocket, close: async () => {} }
  } catch (error) {
    if (!isUnserved(error)) throw error
  }
  const stores = await deps.openStores()
  const { settings, folder, now, log } = deps
  const core = await openCore({ settings, folder, signer: stores.signer, now, log, changed: () => undefined })
  core.addReaction(deferring(core))
  const routes = [...incidentRoutes(core), ...answerRoutes(core, new Answers(core))]
  const api = new IncidentApi(routes, [], (error) => log.error({ err: error }, 'the request failed'))
  return {
    async request(method, target, body) {
      const contentType = body && { 'content-type': JSON_TYPE }
      const admitted = api.admit({
        method,
        target,
        channel: 'local',
        headers: { ...headers, ...contentType },
      })
      return 'status' in admitted ? admitted : admitted.answer(Buffer.from(body ? JSON.stringify(body) : ''))
    },
    async close() {
      await new EntryRecorder({ store: core.store, topic: stores.ledger, log }).stop()
      await core.store.close()
      await stores.close()
    },
  }
}
