import fc from 'fast-check'
import t from 'tap'
import { ReceiveBuffer } from '../../../../gateway/listener/strict/receive-buffer.js'
import { growth } from '../../../detectors/seclang/work.js'

await t.test('bytes come out as they went in, and what was taken stays as it is', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat({ max: 40 }))),
      (steps) => {
        const received = new ReceiveBuffer()
        const taken: Buffer[] = []
        const copies: Buffer[] = []
        for (const [chunk, count] of steps) {
          received.append(Buffer.from(chunk))
          const length = Math.min(count, received.length)
          const piece = received.bytes.subarray(received.start, received.start + length)
          taken.push(piece)
          copies.push(Buffer.from(piece))
          received.take(length)
        }
        const rest = received.bytes.subarray(received.start, received.end)
        t.same(Buffer.concat([...copies, rest]), Buffer.concat(steps.map(([chunk]) => chunk)))
        t.same(taken, copies)
      },
    ),
  )
  t.end()
})

await t.test('of lent bytes, what is kept stays as it is', (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 20 }), fc.nat({ max: 20 }))),
      (steps) => {
        const memory = Buffer.alloc(20)
        const received = new ReceiveBuffer()
        const taken: Buffer[] = []
        for (const [chunk, count] of steps) {
          memory.set(chunk)
          if (received.length === 0) received.lend(memory, chunk.length)
          else received.append(Buffer.from(chunk))
          const length = Math.min(count, received.length)
          taken.push(Buffer.from(received.bytes.subarray(received.start, received.start + length)))
          received.take(length)
          received.keep()
          memory.fill(0)
        }
        const rest = received.bytes.subarray(received.start, received.end)
        t.same(Buffer.concat([...taken, rest]), Buffer.concat(steps.map(([chunk]) => chunk)))
      },
    ),
  )
  t.end()
})

await t.test('one piece is not copied', (t) => {
  const received = new ReceiveBuffer()
  const chunk = Buffer.from('abc')
  received.append(chunk)
  t.equal(received.bytes, chunk)
  received.take(3)
  t.equal(received.length, 0)
  t.not(received.bytes, chunk)
  t.end()
})

await t.test('many small pieces cost linear time', (t) => {
  const drip = (size: number): void => {
    const received = new ReceiveBuffer()
    for (let i = 0; i < size; i++) received.append(Buffer.of(i & 255))
  }
  t.ok(growth(drip, 50_000) < 8)
  t.end()
})
