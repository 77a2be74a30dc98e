/**
 * The six workloads. Each is a list of requests that differ in their values, so that nothing can be judged once and
 * remembered; they are the same in every run.
 */
export interface Workload {
  readonly name: string
  /** Whether a firewall has to refuse it with 403. */
  readonly attack: boolean
  /** Whole requests as bytes, one char each. */
  readonly requests: readonly string[]
}

/** Odd, so that the two halves of a connection pool do not always send the same ones. */
const VARIANTS = 101

const BROWSER = [
  'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
  'Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8',
  'Accept-Language: en-GB,en;q=0.7,de;q=0.3',
  'Accept-Encoding: gzip, deflate, br',
  'Referer: http://shop.example.com/catalogue',
  'Connection: keep-alive',
  'Upgrade-Insecure-Requests: 1',
]

const request = (method: string, target: string, fields: readonly string[], body = ''): string =>
  [`${method} ${target} HTTP/1.1`, 'Host: shop.example.com', ...fields, '', body].join('\r\n')

const post = (target: string, type: string, body: string, n: number): string =>
  request(
    'POST',
    target,
    [...BROWSER, cookie(n), `Content-Type: ${type}`, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`],
    body,
  )

/** A generator of numbers with a fixed seed (Lehmer), for the same requests in every run. */
const numbers = (seed: number): ((below: number) => number) => {
  let state = (seed * 48_271 + 11) % 2_147_483_647
  return (below) => {
    state = (state * 48_271) % 2_147_483_647
    return state % below
  }
}

const WORDS =
  'amber anchor autumn basket bridge candle canvas cedar cobalt copper cotton garden granite harbour hazel indigo ivory lantern linen maple meadow mirror olive orchard pepper pine quartz river saddle silver slate timber velvet walnut willow window'.split(
    ' ',
  )

const word = (pick: (below: number) => number): string => WORDS[pick(WORDS.length)] ?? ''
const words = (pick: (below: number) => number, count: number): string =>
  Array.from({ length: count }, () => word(pick)).join(' ')
const hex = (pick: (below: number) => number, length: number): string =>
  Array.from({ length }, () => pick(16).toString(16)).join('')

const cookie = (n: number): string => `Cookie: session=${hex(numbers(n + 1), 32)}; theme=dark`

const browserGet = (n: number): string =>
  request('GET', `/catalogue/${word(numbers(n + 2))}/${1000 + n}`, [...BROWSER, cookie(n)])

const argumentsGet = (n: number): string => {
  const pick = numbers(n + 3)
  const query = `q=${word(pick)}+${word(pick)}&category=${word(pick)}&page=${1 + pick(40)}&sort=price&token=${hex(pick, 24)}`
  return request('GET', `/search?${query}`, [...BROWSER, cookie(n)])
}

/** Fields until the body has `size` bytes, cut to it exactly. */
const form = (n: number, size: number): string => {
  const pick = numbers(n + 4)
  let body = `name=${word(pick)}+${word(pick)}&street=${word(pick)}+${1 + pick(200)}&city=${word(pick)}&zip=${10_000 + pick(89_999)}`
  for (let field = 1; body.length < size; field++)
    body += `&note_${field}=${words(pick, 6).replaceAll(' ', '+')}`
  return body.slice(0, size)
}

const flat = (n: number, size: number): string => {
  const pick = numbers(n + 5)
  const members: string[] = []
  // The last member fills what is left.
  for (let length = 2; length < size - 200;) {
    const member = `"field_${members.length + 1}":"${words(pick, 16)}"`
    members.push(member)
    length += member.length + 1
  }
  const padding = size - `{${members.join(',')},"rest":""}`.length
  return `{${members.join(',')},"rest":"${words(pick, 60).slice(0, padding)}"}`
}

const nested = (n: number, size: number): string => {
  const pick = numbers(n + 6)
  const item = (): object => ({
    sku: `${word(pick)}-${pick(10_000)}`,
    title: words(pick, 3),
    quantity: 1 + pick(9),
    price: { amount: pick(100_000) / 100, currency: 'EUR' },
    options: [
      { name: 'colour', value: word(pick) },
      { name: 'size', value: String(36 + pick(12)) },
    ],
  })
  const order = (items: readonly object[], note: string): string =>
    JSON.stringify({
      order: {
        id: hex(pick, 8),
        customer: { name: words(pick, 2), address: { city: word(pick) } },
        items,
        note,
      },
    })
  const items: object[] = []
  while (JSON.stringify(items).length < size - 500) items.push(item())
  const bare = order(items, '')
  return bare.replace('"note":""', `"note":"${words(pick, 80).slice(0, Math.max(0, size - bare.length))}"`)
}

/** One attack of each of several classes in turn; all are refused at paranoia level 1. */
const ATTACKS = [
  (n: number) => `id=${n}%27%20OR%201%3D1%20UNION%20SELECT%20login%2Cpassword%20FROM%20users--%20`,
  (n: number) => `comment=%3Cscript%3Ealert(${n})%3C%2Fscript%3E`,
  (n: number) => `file=..%2F..%2F..%2F..%2Fetc%2Fpasswd&v=${n}`,
  (n: number) => `host=127.0.0.1%3Bcat%20%2Fetc%2Fpasswd&v=${n}`,
]

const attackGet = (n: number): string => {
  const query = ATTACKS[n % ATTACKS.length]?.(n) ?? ''
  return request('GET', `/item?${query}`, [...BROWSER, cookie(n)])
}

const JSON_TYPE = 'application/json'
const FORM_TYPE = 'application/x-www-form-urlencoded'
const KIB = 1024

const workload = (name: string, make: (n: number) => string, attack = false): Workload => ({
  name,
  attack,
  requests: Array.from({ length: VARIANTS }, (_, n) => make(n)),
})

export const BROWSER_GET = workload('GET, browser headers', browserGet)
export const ATTACK = workload('attack GET, blocked', attackGet, true)

export const WORKLOADS: readonly Workload[] = [
  BROWSER_GET,
  workload('GET, 5 arguments', argumentsGet),
  workload('POST, 1 KiB form', (n) => post('/checkout', FORM_TYPE, form(n, KIB), n)),
  workload('POST, 8 KiB nested JSON', (n) => post('/api/orders', JSON_TYPE, nested(n, 8 * KIB), n)),
  workload('POST, 8 KiB flat JSON', (n) => post('/api/profile', JSON_TYPE, flat(n, 8 * KIB), n)),
  ATTACK,
]
