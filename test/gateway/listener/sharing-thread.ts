import { parentPort, workerData } from 'node:worker_threads'
import { listen } from '../../../gateway/listener/choose.js'
import type { ListenerName } from '../../../gateway/listener/listener.js'

const { name, port, index } = workerData as { name: ListenerName; port: number; index: number }

const listener = await listen(name, {
  host: '127.0.0.1',
  port,
  sharePort: true,
  timeouts: { headersMs: 5000, idleMs: 5000, bodyIdleMs: 5000 },
  maxHeaderBytes: 16_384,
  onExchange: (exchange) => exchange.respond(200, [], String(index)),
  onUpgrade: (upgrade) => upgrade.respond(403, []),
  onMalformed: () => undefined,
  onFailure: () => undefined,
})
parentPort?.on('message', (order) => {
  if (order === 'throw') throw new Error('a bug in this thread')
  void listener.close(0).then(() => parentPort?.close())
})
parentPort?.postMessage('listening')
