import { createServer } from 'node:net'
import { relative } from 'node:path'

import { urlOf } from './banner.js'
import type { GatewayInfo } from './banner.js'

const DEMO_HOST = '127.0.0.1'
const DEMO_PORT = 8081
/** Where the demo service listens unless it is told otherwise; only this machine reaches it. */
export const DEMO_LISTEN = `${DEMO_HOST}:${DEMO_PORT}`

/** Where `up --demo` lets it listen: the usual port, or another one when that is taken, so that the first try works. */
export const freeDemoAddress = async (): Promise<string> =>
  `${DEMO_HOST}:${(await bindable(DEMO_PORT)) ?? (await bindable(0)) ?? DEMO_PORT}`

/** The port, or the free one that 0 stands for; undefined when it cannot be bound. */
const bindable = (port: number): Promise<number | undefined> =>
  new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(undefined))
    probe.listen(port, DEMO_HOST, () => {
      const bound = probe.address()
      probe.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : undefined))
    })
  })

const ATTACK = `/search?q=1%27%20UNION%20SELECT%20name%2C%20password%20FROM%20users--`

/** A text as one word of a POSIX shell. */
const quote = (text: string): string =>
  /^[A-Za-z0-9_./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** Three lines that work when they are pasted into a shell in this folder. */
export const linesToTry = (info: GatewayInfo, data: string): string => {
  const url = urlOf(info)
  const curl = info.tls ? 'curl -k' : 'curl'
  const command = quote(relative(process.cwd(), process.argv[1] ?? '') || 'portcullis')
  const folder = quote(data)
  const receipt = quote(`${data}/receipt.json`)
  const policy = quote(`${data}/policy.txt`)
  return `
Try, in another terminal in this folder:

  a good request:
    ${curl} -i '${url}/search?q=portcullis'

  an attack, refused with 403 and a request id:
    ${curl} -i '${url}${ATTACK}'

  the signed receipt of such a refusal, verified offline:
    ID=$(${curl} -si '${url}${ATTACK}' | sed -n 's/^[Xx]-[Rr]equest-[Ii]d: *\\([0-9a-f-]*\\).*/\\1/p') && ${command} explain $ID --data ${folder} && ${command} ledger receipt $ID --data ${folder} --out ${receipt} && ${command} ledger policy --data ${folder} > ${policy} && ${command} verify ${receipt} --trust ${policy}

Ctrl-C stops it; the state under ${folder} stays.
`
}
