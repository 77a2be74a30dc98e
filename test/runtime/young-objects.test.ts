import { execFileSync } from 'node:child_process'
import t from 'tap'

const module = new URL('../../runtime/young-objects.js', import.meta.url).href

/** Keeps what many requests make, then makes the same for many that keep nothing, and tells by how many megabytes the old objects grow meanwhile. */
const script = `
import { getHeapSpaceStatistics } from 'node:v8'
import { keepYoungObjectsYoung } from '${module}'
keepYoungObjectsYoung()
const request = () => {
  const list = []
  for (let index = 0; index < 100; index++) list.push({ key: index, value: { of: index } })
  return list
}
const old = () => getHeapSpaceStatistics().find((space) => space.space_name === 'old_space').space_used_size
let kept = []
for (let each = 0; each < 20000; each++) kept.push(request())
kept = []
let least = Infinity
let growth = 0
for (let each = 0; each < 40000; each++) {
  request()
  const size = old()
  least = Math.min(least, size)
  growth = Math.max(growth, size - least)
}
process.stdout.write(String(growth / 1e6))
`

t.test('what a request leaves behind does not become old', async (t) => {
  const growth = execFileSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', script])
  t.ok(Number(growth) < 60, `old objects grew by ${String(growth)} MB`)
})
