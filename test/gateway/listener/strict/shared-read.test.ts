import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import t from 'tap'
import { readAsStream, readShared } from '../../../../gateway/listener/strict/shared-read.js'

/** Both ends of a connection. */
async function pair(): Promise<{ readonly server: Server; readonly ours: Socket; readonly client: Socket }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  const [ours] = (await once(server, 'connection')) as [Socket]
  t.teardown(() => {
    client.destroy()
    ours.destroy()
    server.close()
  })
  return { server, ours, client }
}

await t.test('sockets of a server are read into one piece of memory, to their end', async (t) => {
  const { ours, client } = await pair()
  const { ours: other, client: otherClient } = await pair()
  const pieces: Buffer[] = []
  let text = ''
  const take = (memory: Buffer, length: number): void => {
    pieces.push(memory)
    text += memory.toString('latin1', 0, length)
  }
  t.ok(readShared(ours, take), 'this Node reads sockets of a server into memory of ours')
  t.ok(readShared(other, take))
  ours.on('data', () => t.fail('goes past the stream'))
  client.end('one')
  await once(ours, 'end')
  otherClient.end('two')
  await once(other, 'end')
  t.equal(text, 'onetwo')
  t.equal(pieces[0], pieces[1])
  ours.end()
  other.end()
})

await t.test('what is paused is left to the client, and read later', async (t) => {
  const { ours, client } = await pair()
  let size = 0
  let told: (() => void) | undefined
  readShared(ours, (_memory, length) => {
    size += length
    told?.()
  })
  ours.pause()
  client.write('abc')
  await new Promise((resolve) => client.write('def', resolve))
  t.equal(size, 0)
  const all = new Promise<void>((resolve) => (told = () => size === 6 && resolve()))
  ours.resume()
  await all
})

await t.test('a socket can become a stream again, with backpressure', async (t) => {
  const { ours, client } = await pair()
  let seen = ''
  readShared(ours, (memory, length) => (seen += memory.toString('latin1', 0, length)))
  client.write('before')
  while (seen !== 'before') await new Promise((resolve) => setImmediate(resolve))
  ours.pause()
  readAsStream(ours)
  const size = 4 * 1024 * 1024
  client.end(Buffer.alloc(size, 'x'))
  let got = 0
  for await (const chunk of ours) {
    got += (chunk as Buffer).length
    t.ok(ours.readableLength <= 1024 * 1024)
  }
  t.equal(got, size)
  t.equal(seen, 'before')
})
