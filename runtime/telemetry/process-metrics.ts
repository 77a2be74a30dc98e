import { performance } from 'node:perf_hooks'

import type { Metrics } from './metrics.js'

/** What every role tells of itself; all of it is read only when somebody collects. */
export const processMetrics = (metrics: Metrics): void => {
  metrics.gauge('process.memory.usage', { description: 'Resident memory', unit: 'By' }, () =>
    process.memoryUsage.rss(),
  )
  metrics.gauge(
    'v8js.memory.heap.used',
    { description: 'Heap in use', unit: 'By' },
    () => process.memoryUsage().heapUsed,
  )
  metrics.gauge('process.uptime', { description: 'Time since the process started', unit: 's' }, () =>
    process.uptime(),
  )
  metrics.meter
    .createObservableCounter('process.cpu.time', { description: 'Processor time used', unit: 's' })
    .addCallback((result) => {
      const { user, system } = process.cpuUsage()
      result.observe(user / 1e6, { 'cpu.mode': 'user' })
      result.observe(system / 1e6, { 'cpu.mode': 'system' })
    })
  let last = performance.eventLoopUtilization()
  metrics.gauge(
    'nodejs.eventloop.utilization',
    { description: 'Share of time that the event loop was busy since it was last asked', unit: '1' },
    () => {
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, last)
      last = now
      return utilization
    },
  )
}
