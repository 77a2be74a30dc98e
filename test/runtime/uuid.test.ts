import t from 'tap'

import { isUuidv7, uuidv7, uuidv7Time } from '../../runtime/uuid.js'

void t.test('carries the time in its first 48 bits', async (t) => {
  const now = Date.now() + 5_000
  const id = uuidv7(now)
  t.ok(isUuidv7(id))
  t.equal(Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16), now)
  t.equal(uuidv7Time(id), now)
})

void t.test(
  'sorts in the order of making, also inside a millisecond and when the clock steps back',
  async (t) => {
    const now = Date.now() + 10_000
    const ids = Array.from({ length: 20_000 }, (_, i) => uuidv7(i % 3 === 0 ? now - 500 : now))
    t.equal(new Set(ids).size, ids.length)
    t.strictSame([...ids].sort(), ids)
    t.ok(ids.every(isUuidv7))
  },
)

void t.test('refuses what is no lower-case version 7', async (t) => {
  const id = uuidv7(Date.now() + 60_000)
  for (const bad of [
    id.toUpperCase(),
    `${id} `,
    id.slice(1),
    '',
    `${id.slice(0, 14)}4${id.slice(15)}`,
    `${id}\n`,
  ])
    t.notOk(isUuidv7(bad), JSON.stringify(bad))
})
