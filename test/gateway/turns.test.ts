import t from 'tap'
import { judgeInTurn, Turns } from '../../gateway/turns.js'

t.test('each work has a turn of its own, in order, with others served in between', async (t) => {
  const turns = new Turns()
  const seen: string[] = []
  await new Promise<void>((done) => {
    for (const name of ['a', 'b', 'c'])
      turns.take(() => {
        seen.push(name)
        // What comes while one is at work is served before the next.
        setImmediate(() => seen.push(`after ${name}`))
        if (name === 'c') turns.take(done)
      })
    t.same(seen, [], 'nothing at once')
  })
  t.same(seen, ['a', 'after a', 'b', 'after b', 'c', 'after c'])
})

t.test('work that throws keeps nobody else from its turn', async (t) => {
  const turns = new Turns()
  const thrown = new Promise((done) => process.once('uncaughtException', done))
  const ran = new Promise<void>((done) => {
    turns.take(() => {
      throw new Error('broken')
    })
    turns.take(done)
  })
  t.match(await thrown, { message: 'broken' })
  await ran
})

t.test('large bodies wait for a turn, small ones do not', async (t) => {
  const seen: string[] = []
  const large = new Promise<void>((done) => {
    judgeInTurn(16 * 1024, () => {
      seen.push('large')
      done()
    })
  })
  judgeInTurn(16 * 1024 - 1, () => void seen.push('small'))
  t.same(seen, ['small'])
  await large
  t.same(seen, ['small', 'large'])
})
