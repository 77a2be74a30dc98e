import { parentPort, workerData } from 'node:worker_threads'

import { codeOf, messageOf } from '../runtime/errors.js'
import { createLogger } from '../runtime/log.js'
import { startTelemetry } from '../runtime/telemetry/telemetry.js'
import { GatewayMeter } from './meter.js'
import { startPlane } from './plane-server.js'
import { RecordPost } from './record-post.js'
import type { FromThread, ThreadSetup, ToThread } from './thread-messages.js'

/** A serving thread: one data plane. What has to be kept goes to the main thread, which alone writes. */
const serve = async (
  setup: ThreadSetup,
  tell: (message: FromThread) => void,
): Promise<(message: ToThread) => void> => {
  const log = createLogger({ level: setup.logLevel, role: 'gateway' }).child({ thread: setup.thread })
  const telemetry = await startTelemetry({
    role: 'gateway',
    thread: setup.thread,
    version: setup.version,
    config: setup.telemetry,
    log,
  })
  const records = new RecordPost((batch, lost) => tell({ type: 'verdicts', records: batch, lost }))
  const server = await startPlane(setup.plane, {
    clock: { now: () => Date.now() },
    meter: new GatewayMeter(telemetry),
    log,
    sink: {
      verdict: (written) => records.add(written),
      malformed: (report) => tell({ type: 'malformed', report }),
    },
  })
  tell({ type: 'ready', address: server.address, limits: server.limits, modes: server.modes })
  const close = async (graceMs: number): Promise<void> => {
    await server.close(graceMs)
    records.flush()
    await telemetry.shutdown()
    tell({ type: 'closed' })
  }
  return (message) => {
    if (message.type === 'metrics')
      telemetry.expose().then(
        (text) => tell({ type: 'metrics', id: message.id, text }),
        (error: unknown) => log.error(`metrics: ${messageOf(error)}`),
      )
    else if (message.type === 'taken') records.taken(message.count)
    else if (message.type === 'answers')
      server.answer(message.snapshot).then(
        (failures) => tell({ type: 'answered', id: message.id, failures }),
        (error: unknown) => log.error(`answers: ${messageOf(error)}`),
      )
    else close(message.graceMs).catch((error: unknown) => log.error(`closing: ${messageOf(error)}`))
  }
}

if (parentPort !== null) {
  const port = parentPort
  const setup: ThreadSetup = workerData
  try {
    const handle = await serve(setup, (message) => port.postMessage(message))
    port.on('message', (message: ToThread) => handle(message))
  } catch (error) {
    const failed: FromThread = {
      type: 'failed',
      code: codeOf(error) ?? 'GATEWAY_THREAD',
      message: messageOf(error),
    }
    port.postMessage(failed)
  }
}
