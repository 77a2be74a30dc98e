import type { HeaderList } from '../../detectors/index.js'

/** One kind of request, the same bytes each time, and what has to become of it. */
export interface Workload {
  readonly name: string
  readonly method: 'GET' | 'POST'
  readonly target: string
  readonly headers: HeaderList
  readonly body: string
  readonly outcome: 'allow' | 'block'
}

/** What a current browser sends with a request to a page that it has been to before. */
const BROWSER: HeaderList = [
  ['Host', 'shop.example.com'],
  ['Connection', 'keep-alive'],
  ['sec-ch-ua', '"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"'],
  ['sec-ch-ua-mobile', '?0'],
  ['sec-ch-ua-platform', '"Linux"'],
  ['Upgrade-Insecure-Requests', '1'],
  [
    'User-Agent',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  ],
  ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
  ['Sec-Fetch-Site', 'same-origin'],
  ['Sec-Fetch-Mode', 'navigate'],
  ['Sec-Fetch-Dest', 'document'],
  ['Referer', 'https://shop.example.com/catalogue/lamps'],
  ['Accept-Encoding', 'gzip, deflate, br'],
  ['Accept-Language', 'en-GB,en;q=0.9,de;q=0.8'],
  ['Cookie', 'session=4f9c2a7be0d14c55; theme=dark; consent=analytics-no'],
]

/** The headers of a program, as most calls of an API carry them. */
const PROGRAM: HeaderList = [
  ['Host', 'shop.example.com'],
  ['User-Agent', 'orders/2.4.1'],
  ['Accept', '*/*'],
]

const WORDS =
  'table lamp brushed brass with a linen shade warm light for reading corners and quiet evenings delivered within three working days'.split(
    ' ',
  )

/** Plain words from the `at`-th on, about `length` characters of them. */
function words(at: number, length: number): string {
  let text = ''
  for (let index = at; text.length < length; index++) text += `${WORDS[index % WORDS.length] ?? ''} `
  return text.slice(0, length).trimEnd()
}

function get(name: string, target: string, headers = BROWSER): Workload {
  return { name, method: 'GET', target, headers, body: '', outcome: 'allow' }
}

function post(name: string, type: string, body: string, headers = PROGRAM): Workload {
  const fields: HeaderList = [
    ...headers,
    ['Content-Type', type],
    ['Content-Length', String(Buffer.byteLength(body))],
  ]
  return { name, method: 'POST', target: '/api/orders', headers: fields, body, outcome: 'allow' }
}

/** Fields of a form until it has `bytes`, each value of about `each` characters. */
function form(bytes: number, each: number): string {
  let body = ''
  for (let index = 0; body.length < bytes; index++)
    body += `${index === 0 ? '' : '&'}field_${index}=${words(index, each).replaceAll(' ', '+')}`
  return body
}

/** An order with lines, each with a few levels of its own and a title of about `title` characters, until it has `bytes`. */
function nestedJson(bytes: number, title: number): string {
  const items: object[] = []
  const order = {
    customer: { id: 48213, name: 'Ada Example', address: { city: 'Turin', zip: '10121' } },
    items,
  }
  while (JSON.stringify(order).length < bytes) {
    const index = items.length
    items.push({
      sku: `LMP-${1000 + index}`,
      title: words(index, title),
      quantity: (index % 4) + 1,
      price: { amount: 10 + index * 1.5, currency: 'EUR', tax: { rate: 0.22, included: true } },
      tags: ['light', 'home', words(index, 8)],
      note: null,
    })
  }
  return JSON.stringify(order)
}

/** One object of text fields of about `each` characters until it has `bytes`. */
function flatJson(bytes: number, each: number): string {
  const fields: Record<string, string> = {}
  for (let index = 0; JSON.stringify(fields).length < bytes; index++)
    fields[`field_${index}`] = words(index, each)
  return JSON.stringify(fields)
}

function multipart(bytes: number): string {
  let body = ''
  for (let index = 0; body.length < bytes; index++)
    body += `--frontier\r\nContent-Disposition: form-data; name="field_${index}"\r\n\r\n${words(index, 400)}\r\n`
  return `${body}--frontier--\r\n`
}

function xml(bytes: number): string {
  let items = ''
  for (let index = 0; items.length < bytes; index++)
    items += `<item sku="LMP-${index}" count="${index % 4}"><title>${words(index, 40)}</title><price>12.50</price></item>`
  return `<?xml version="1.0"?><order>${items}</order>`
}

const KIB = 1024
const FORM = 'application/x-www-form-urlencoded'
const JSON_TYPE = 'application/json'

/** The six that servers are compared by. */
export const SMALL: readonly Workload[] = [
  get('GET, browser headers', '/catalogue/lamps/brass-table-lamp'),
  get('GET, 5 args', '/search?q=table+lamp&page=2&sort=price_asc&category=lighting&in_stock=true'),
  post('POST, 1 KiB form', FORM, form(KIB, 60), BROWSER),
  post('POST, 8 KiB JSON, nested', JSON_TYPE, nestedJson(8 * KIB, 40)),
  post('POST, 8 KiB JSON, flat', JSON_TYPE, flatJson(8 * KIB, 200)),
  {
    ...get('GET, attack', "/search?q=1'%20UNION%20SELECT%20user,password%20FROM%20users--%20-"),
    outcome: 'block',
  },
]

/** Bodies of 64 KiB: what judging one of them costs is how long nobody else is served. */
export const LARGE: readonly Workload[] = [
  post('64 KiB form, 900 fields', FORM, form(64 * KIB, 60)),
  post('64 KiB form, one field', FORM, form(64 * KIB, 64 * KIB)),
  post('64 KiB JSON, nested', JSON_TYPE, nestedJson(64 * KIB, 600)),
  post('64 KiB JSON, flat', JSON_TYPE, flatJson(64 * KIB, 200)),
  post('64 KiB JSON, one string', JSON_TYPE, flatJson(64 * KIB, 64 * KIB)),
  post('64 KiB multipart, 130 fields', 'multipart/form-data; boundary=frontier', multipart(64 * KIB)),
  post('64 KiB XML', 'application/xml', xml(64 * KIB)),
  post('64 KiB plain text', 'text/plain', words(0, 64 * KIB)),
]

/** What the upstream answers, in each workload: 1 KiB of JSON. */
export const RESPONSE = {
  status: 200,
  headers: [
    ['Content-Type', 'application/json'],
    ['Cache-Control', 'no-store'],
    ['Date', 'Sat, 21 Nov 2026 12:00:00 GMT'],
  ] as HeaderList,
  body: Buffer.from(flatJson(KIB, 60)),
} as const
