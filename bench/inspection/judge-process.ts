/**
 * Judges workloads with one build of the detectors, as ordered by `costs.ts`: a process of its own, so that two builds share neither
 * compiled code nor heap.
 *
 * argv: the folder of a checkout that was built, the folder of the Core Rule Set
 */
import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type * as Detectors from '../../detectors/index.js'
import type { Pipeline, RequestHead } from '../../detectors/index.js'
import type { LiveAnswers } from '../../gateway/answers/live-answers.js'
import type * as RuleFilesModule from '../../gateway/rule-files.js'
import { keepYoungObjectsYoung } from '../../runtime/young-objects.js'
import type { Cost, Order, Ready } from './messages.js'
import { LARGE, RESPONSE, SMALL, type Workload } from './workloads.js'

const [checkout = '', crs = ''] = process.argv.slice(2)
// As the gateway does.
keepYoungObjectsYoung()
const load = async <T>(file: string): Promise<T> =>
  (await import(pathToFileURL(resolve(checkout, 'dist', file)).href)) as T
const { createPipeline, detectionConfig, MemoryCounterStore } =
  await load<typeof Detectors>('detectors/index.js')
const { nodeRuleFiles } = await load<typeof RuleFilesModule>('gateway/rule-files.js')
const answers = await load<{ LiveAnswers: typeof LiveAnswers }>('gateway/answers/live-answers.js')

/** Exchanges whose requests are made together, outside of what is measured. */
const BATCH = 32
const WARM_UP_MS = 600
const CLIENT = {
  address: '192.0.2.7',
  port: 40_000,
  serverAddress: '198.51.100.1',
  serverPort: 443,
  tls: true,
} as const

const processorMs = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** A pipeline with the defaults of the product. */
function pipelineOf(only: Order['only']): Pipeline {
  return createPipeline(detectionConfig.parse({ phases: { owasp_crs: { dir: crs } } }), {
    ports: {
      clock: { now: () => Date.now() },
      counters: new MemoryCounterStore(),
      answers: new answers.LiveAnswers(),
    },
    files: nodeRuleFiles,
    warn: () => undefined,
    ...(only === undefined ? {} : { only }),
  })
}

interface Request {
  readonly head: RequestHead
  readonly body: Uint8Array
}

/** Makes requests of fresh strings, as they come from a socket: one that was judged before has its hash and shape known. */
function requestsOf(workload: Workload): () => Request {
  const fields = workload.headers.map(
    ([name, value]) => [Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1')] as const,
  )
  const target = Buffer.from(workload.target, 'latin1')
  const body = Buffer.from(workload.body)
  return () => ({
    head: {
      requestId: '01900000-0000-7000-8000-000000000000',
      method: workload.method,
      target: target.toString('latin1'),
      httpVersion: '1.1',
      headers: fields.map(([name, value]) => [name.toString('latin1'), value.toString('latin1')] as const),
    },
    body,
  })
}

/** One exchange, as the gateway drives it. Whether the request was refused. */
function judge(pipeline: Pipeline, { head, body }: Request): boolean {
  const inspection = pipeline.inspect(CLIENT, head)
  const final = (action: string): boolean => action !== 'allow' && action !== 'log'
  const refused =
    final(inspection.client().action) ||
    final(inspection.requestHeaders().action) ||
    final(
      inspection.requestBody({
        bytes: inspection.wantsRequestBody ? body : new Uint8Array(0),
        complete: true,
      }).action,
    ) ||
    final(inspection.responseHeaders(RESPONSE).action) ||
    (inspection.wantsResponseBody &&
      final(inspection.responseBody({ bytes: RESPONSE.body, complete: true }).action))
  return final(inspection.end().verdict.action) || refused
}

function run(pipeline: Pipeline, workload: Workload, order: Order, milliseconds: number): Cost {
  const request = requestsOf(workload)
  const expected = workload.outcome === 'block'
  let spent = 0
  let exchanges = 0
  while (spent < milliseconds) {
    const batch = Array.from({ length: BATCH }, request)
    const before = processorMs()
    for (const one of batch)
      // With a part of the phases nobody may tell an attack.
      if (judge(pipeline, one) !== expected && order.only === undefined)
        throw new Error(`${workload.name} was ${expected ? 'not refused' : 'refused'}`)
    spent += processorMs() - before
    exchanges += BATCH
  }
  return { microseconds: (spent * 1000) / exchanges, exchanges }
}

const pipelines = new Map<string, Pipeline>()
const warm = new Set<string>()

async function follow(order: Order): Promise<Cost> {
  const key = order.only?.join() ?? 'all'
  const pipeline = pipelines.get(key) ?? pipelineOf(order.only)
  pipelines.set(key, pipeline)
  const workload = [...SMALL, ...LARGE].find(({ name }) => name === order.workload)
  if (workload === undefined) throw new Error(`no workload is called ${order.workload}`)
  if (!warm.has(`${key} ${workload.name}`)) run(pipeline, workload, order, WARM_UP_MS)
  warm.add(`${key} ${workload.name}`)
  if (order.profile === undefined) return run(pipeline, workload, order, order.milliseconds)
  const session = new Session()
  session.connect()
  await session.post('Profiler.enable')
  await session.post('Profiler.setSamplingInterval', { interval: 200 })
  await session.post('Profiler.start')
  const cost = run(pipeline, workload, order, order.milliseconds)
  const { profile } = await session.post('Profiler.stop')
  session.disconnect()
  writeFileSync(order.profile, JSON.stringify(profile))
  return cost
}

process.on('message', (order: Order) => {
  void follow(order).then((cost) => process.send?.(cost))
})
const before = processorMs()
pipelines.set('all', pipelineOf(undefined))
process.send?.({ loading: processorMs() - before } satisfies Ready)
