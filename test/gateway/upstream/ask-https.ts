/** Asks an upstream three times, and reads with pauses, in a process that trusts its certificate; the Host is somebody else's name. */
import { Upstream } from '../../../gateway/upstream/upstream.js'

const [origin = ''] = process.argv.slice(2)
const upstream = new Upstream({ origin, connectMs: 5000, headersMs: 5000, bodyMs: 5000, maxRequests: 1 })
const headers = ['host', 'elsewhere.example']
const statuses: number[] = []
for (const path of ['/', '/', '/last'])
  await new Promise<void>((resolve, reject) => {
    const flow = upstream.send(
      { method: 'GET', path, headers, body: null, contentLength: undefined },
      {
        onInformational: () => undefined,
        onHead: (status) => statuses.push(status),
        onData: () => {
          flow.pause()
          // Mostly long enough for the end of the connection to come first.
          setTimeout(() => flow.resume(), 20)
        },
        onEnd: () => resolve(),
        onError: reject,
      },
    )
  })
await upstream.close()
process.stdout.write(JSON.stringify(statuses))
