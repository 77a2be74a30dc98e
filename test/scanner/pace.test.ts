import t from 'tap'
import { Pace } from '../../scanner/pace.js'

t.test('what is paused stands still until it may go on', async (t) => {
  const pace = new Pace(undefined)
  const { signal } = new AbortController()
  await pace.ready(signal)
  pace.pause()
  let isReady = false
  const ready = pace.ready(signal).then(() => {
    isReady = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  t.notOk(isReady)
  t.ok(pace.isPaused)
  pace.resume()
  await ready
  pace.pause()
  const stop = new AbortController()
  const stopped = pace.ready(stop.signal)
  stop.abort()
  await stopped
})

t.test('work is given its share of a core', async (t) => {
  let now = 0
  const pace = new Pace(0.5, () => now)
  const waits = async (): Promise<boolean> => {
    const stop = new AbortController()
    let isReady = false
    const ready = pace.ready(stop.signal).then(() => {
      isReady = !stop.signal.aborted
    })
    await new Promise((resolve) => setImmediate(resolve))
    stop.abort()
    await ready
    return !isReady
  }
  t.notOk(await waits())
  pace.spent(1_500)
  t.ok(await waits(), '500 ms more than there was credit for')
  now += 900
  t.ok(await waits())
  now += 200
  t.notOk(await waits())
})
