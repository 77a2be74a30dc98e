/**
 * How a command on the same machine reaches the ledger: over the socket of the writer that runs, or, when none runs, by
 * taking the writer's lease itself for as long as the command lasts.
 */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Logger } from '../runtime/log.js'
import type { Topic } from '../runtime/outbox.js'
import { isUnserved, requestOverSocket } from '../runtime/unix-socket.js'
import type { ApiRequest, ApiResponse } from './api/message.js'
import type { AnchorArchive } from './anchor/archive.js'
import { anchorPins, openArchive } from './anchor/open.js'
import { createApi } from './api/routes.js'
import { SOCKET_NAME } from './api/over-http.js'
import type { LedgerConfig } from './config.js'
import { LedgerError } from './errors.js'
import { Intake } from './intake.js'
import type { Log } from './log.js'
import { openConfiguredLog, startRegistrar } from './role.js'
import { trustPolicy } from './trust-policy.js'
import { openWitnessing } from './witnessing/open.js'

/** How long a writer that starts or ends is waited for. */
const SETTLE_MS = 10_000
const RETRY_MS = 50
const TIMEOUT_MS = 30_000

export type LocalRequest = Partial<Omit<ApiRequest, 'channel' | 'authorization'>> & {
  readonly target: string
}

export interface LedgerAccess {
  /** Answers like the API does. */
  request(request: LocalRequest): Promise<ApiResponse>
  /** Ends the access; a lease that was taken is given back. */
  close(): Promise<void>
}

export interface AccessOptions {
  readonly data: string
  readonly config: LedgerConfig
  readonly clock: { now(): number }
  readonly log: Logger
  /** Where `env:NAME` of a secret is looked up. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Opens topic `ledger`; asked only when no writer runs, to take in what waits there. */
  readonly openTopic: () => { readonly topic: Topic; close(): Promise<void> }
}

/**
 * Opens the way to the ledger of a data folder.
 *
 * @throws LedgerError `UNREACHABLE` when a writer holds the lease but does not answer
 */
export async function openAccess(options: AccessOptions): Promise<LedgerAccess> {
  const folder = join(options.data, 'ledger')
  for (let waited = 0; ; waited += RETRY_MS) {
    if (await answers(folder)) {
      return {
        request: (request) => requestOverSocket(folder, SOCKET_NAME, request),
        close: async () => {},
      }
    }
    try {
      return await ownAccess(options)
    } catch (error) {
      if (!(error instanceof LedgerError) || error.code !== 'LOCKED') throw error
      // The writer is between taking its lease and serving, or between the end of serving and giving it back.
      if (waited >= SETTLE_MS) {
        throw new LedgerError('UNREACHABLE', `${error.message}, but does not answer on its socket`, {
          cause: error,
        })
      }
      await pause(RETRY_MS)
    }
  }
}

async function ownAccess(options: AccessOptions): Promise<LedgerAccess> {
  const log = await openConfiguredLog(options)
  const registrar = await startRegistrar(log, options).catch(async (error: unknown) => {
    await log.close()
    throw error
  })
  const outbox = options.openTopic()
  const folder = join(options.data, 'ledger')
  const intake = new Intake(log, { topic: outbox.topic, folder, log: options.log })
  const close = async (): Promise<void> => {
    await intake.stop()
    await outbox.close()
    await anchors?.close()
    await registrar.stop()
    await log.close()
  }
  let witnessing
  let anchors: AnchorArchive | undefined
  try {
    // What was witnessed before still is; nobody is asked for the length of a command.
    witnessing = await openWitnessing(log, options)
    anchors = openArchive(options)
    // A ledger that fails stops taking: the wait has to end then, too.
    await Promise.race([
      intake.drained(),
      pause(TIMEOUT_MS, undefined, { ref: false }).then(() => failure(log)),
    ])
  } catch (error) {
    await close()
    throw error
  }
  const api = createApi(log, {
    witnessing,
    anchors,
    policy: async () => trustPolicy(log, options.config.witnesses, await anchorPins(options)),
  })
  const request = (given: LocalRequest): Promise<ApiResponse> =>
    api({ method: 'GET', body: new Uint8Array(0), ...given, channel: 'local' })
  return { request, close }
}

function failure(log: Log): never {
  throw new LedgerError(
    'UNREACHABLE',
    `the outbox could not be taken in: ${log.unhealthy() ?? 'it is too long'}`,
  )
}

async function answers(folder: string): Promise<boolean> {
  try {
    await requestOverSocket(folder, SOCKET_NAME, { target: '/health' })
    return true
  } catch (error) {
    if (isUnserved(error)) return false
    throw error
  }
}
