import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { Test } from 'tap'
import { bench, type ListenerTraits } from './listener-under-test.js'
import { RawClient } from './raw-client.js'

const MIB = 1024 * 1024
const SIZE = 64 * MIB
const CHUNK = 64 * 1024
/** What a listener may hold for one exchange: a receive buffer and what was on its way through it. */
const HELD = MIB

/** Chunk number `i` of a stream that no compression or luck can reproduce out of order. */
function chunk(i: number): Buffer {
  const bytes = Buffer.alloc(CHUNK, i & 0xff)
  bytes.writeUInt32BE(i, 0)
  bytes.writeUInt32BE(~i >>> 0, CHUNK - 4)
  return bytes
}

function digestOfStream(): string {
  const hash = createHash('sha256')
  for (let i = 0; i < SIZE / CHUNK; i++) hash.update(chunk(i))
  return hash.digest('hex')
}

export async function streamTests(t: Test, traits: ListenerTraits): Promise<void> {
  const expected = digestOfStream()

  for (const framing of ['Content-Length', 'chunked'] as const) {
    await t.test(`a slow reader of a big upload (${framing}) holds the client back`, async (t) => {
      const { port, exchange } = await bench(t, traits)
      const client = await RawClient.connect(port)
      const header = framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${SIZE}`
      client.send(`POST / HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n`)
      const request = await exchange()
      const hash = createHash('sha256')
      let held = 0
      let biggest = 0
      let errors = 0
      const done = new Promise<void>((resolve, reject) => {
        request.body.read({
          onData: (bytes) => {
            held = Math.max(held, request.body.bufferedBytes)
            biggest = Math.max(biggest, bytes.length)
            hash.update(bytes)
            request.body.pause()
            let turns = 3
            const later = (): void => {
              held = Math.max(held, request.body.bufferedBytes)
              if (turns-- > 0) setImmediate(later)
              else request.body.resume()
            }
            setImmediate(later)
          },
          onEnd: () => resolve(),
          onError: (error) => {
            errors++
            reject(error)
          },
        })
      })
      const upload = async (): Promise<void> => {
        for (let i = 0; i < SIZE / CHUNK; i++) {
          const bytes = chunk(i)
          if (framing === 'chunked') {
            client.socket.write(`${CHUNK.toString(16)}\r\n`)
            client.socket.write(bytes)
            if (!client.socket.write('\r\n')) await once(client.socket, 'drain')
          } else if (!client.socket.write(bytes)) await once(client.socket, 'drain')
        }
        if (framing === 'chunked') client.socket.write('0\r\n\r\n')
      }
      await Promise.all([upload(), done])
      t.equal(hash.digest('hex'), expected)
      t.equal(errors, 0)
      t.ok(held <= HELD, `at most ${HELD} bytes held, were ${held}`)
      t.ok(biggest <= HELD, `no piece over ${HELD} bytes, was ${biggest}`)
      request.respond(200, [], 'ok')
      t.equal((await client.response()).body, 'ok')
      client.destroy()
    })

    await t.test(`a slow client of a big download (${framing}) holds the writer back`, async (t) => {
      const { port, exchange } = await bench(t, traits)
      const client = await RawClient.connect(port)
      const hash = createHash('sha256')
      let body = 0
      let text = ''
      let inBody = false
      client.socket.removeAllListeners('data')
      const finished = new Promise<void>((resolve) => {
        // What is left over of the chunked framing: bytes until the end of the line, or of the chunk.
        let left = 0
        client.socket.on('data', (bytes: Buffer) => {
          client.socket.pause()
          setImmediate(() => setImmediate(() => client.socket.resume()))
          let at = 0
          while (at < bytes.length) {
            if (!inBody) {
              text += bytes.subarray(at).toString('latin1')
              const end = text.indexOf('\r\n\r\n')
              if (end < 0) return
              at = bytes.length - (text.length - end - 4)
              text = ''
              inBody = true
              left = framing === 'chunked' ? 0 : SIZE
            } else if (left > 0) {
              const piece = bytes.subarray(at, at + left)
              hash.update(piece)
              body += piece.length
              left -= piece.length
              at += piece.length
              if (framing !== 'chunked' && left === 0) resolve()
            } else {
              const byte = String.fromCharCode(bytes[at++] ?? 0)
              text += byte
              const line = /^(?:\r\n)?([0-9a-fA-F]+)\r\n$/.exec(text)
              if (line !== null) {
                left = Number.parseInt(line[1] ?? '', 16)
                text = ''
                if (left === 0) resolve()
              }
            }
          }
        })
      })
      client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      const request = await exchange()
      const sink = request.startResponse(200, [], framing === 'chunked' ? {} : { contentLength: SIZE })
      let held = 0
      let waits = 0
      for (let i = 0; i < SIZE / CHUNK; i++) {
        if (!sink.write(chunk(i))) {
          waits++
          held = Math.max(held, sink.bufferedBytes)
          await new Promise<void>((resolve) => sink.onDrain(resolve))
        }
      }
      sink.end()
      await finished
      t.equal(body, SIZE)
      t.equal(hash.digest('hex'), expected)
      t.ok(waits > 0, 'the writer was told to wait')
      t.ok(held <= HELD, `at most ${HELD} bytes held, were ${held}`)
      client.destroy()
    })
  }

  await t.test('a response may stream while its request still does', async (t) => {
    const { port, exchange } = await bench(t, traits)
    const client = await RawClient.connect(port)
    client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n')
    const request = await exchange()
    const sink = request.startResponse(200, [])
    request.body.read({
      onData: (bytes) => void sink.write(bytes),
      onEnd: () => sink.end(),
      onError: () => sink.destroy(),
    })
    client.send('abc')
    await client.take('abc')
    client.send('def')
    await client.take('def')
    await client.take('0\r\n\r\n')
    client.destroy()
  })
}
