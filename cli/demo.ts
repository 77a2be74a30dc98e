import { relative } from 'node:path'

import { urlOf } from './banner.js'
import type { GatewayInfo } from './banner.js'

/** Where the demo service listens; only this machine reaches it. */
export const DEMO_LISTEN = '127.0.0.1:8081'
export const DEMO_UPSTREAM = `http://${DEMO_LISTEN}`

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
