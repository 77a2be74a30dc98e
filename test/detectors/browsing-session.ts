import type { JudgedRequest } from '../../detectors/engine.js'

/**
 * An afternoon on a web shop with a blog, as its visitors, its editor and its apps send it. Harmless in every line, and full of what
 * looks like an attack to a careless rule: apostrophes, code in an article, markup from an editor, prices, dates, addresses.
 */

const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
const COOKIES =
  'session=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiIsImV4cCI6MTc2MzcwMDAwMH0.3q2-7wAAbSfu0c8Tn1gQx; theme=dark; ' +
  '_ga=GA1.2.1812345678.1763650000; consent=%7B%22ads%22%3Afalse%2C%22stats%22%3Atrue%7D; cart=4f1c9ab2; lang=en-GB'

type Fields = Readonly<Record<string, string>>

const utf8 = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

const send = (
  method: string,
  target: string,
  headers: Fields = {},
  body?: string | Buffer,
): JudgedRequest => ({
  method,
  target,
  headers: [
    ['Host', 'shop.example.com'],
    ['User-Agent', USER_AGENT],
    ['Accept', 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'],
    ['Accept-Language', 'en-GB,en;q=0.7,de;q=0.3'],
    ['Accept-Encoding', 'gzip, deflate, br'],
    ['Cookie', COOKIES],
    ['Connection', 'keep-alive'],
    ...Object.entries(headers).map(([name, value]) => [name, utf8(value)] as const),
    ...(body === undefined ? [] : [['Content-Length', String(Buffer.byteLength(body))] as const]),
  ],
  ...(body === undefined ? {} : { body: Buffer.from(body) }),
})

const query = (path: string, fields: Fields): string => `${path}?${new URLSearchParams(fields).toString()}`
const get = (path: string, fields?: Fields, headers?: Fields): JudgedRequest =>
  send('GET', fields === undefined ? path : query(path, fields), headers)
const form = (path: string, fields: Fields): JudgedRequest =>
  send(
    'POST',
    path,
    {
      'Content-Type': 'application/x-www-form-urlencoded',
      Origin: 'https://shop.example.com',
      Referer: `https://shop.example.com${path}`,
    },
    new URLSearchParams(fields).toString(),
  )
const json = (method: string, path: string, value: unknown): JudgedRequest =>
  send(
    method,
    path,
    {
      'Content-Type': 'application/json',
      'X-Requested-With': 'XMLHttpRequest',
      Origin: 'https://shop.example.com',
    },
    JSON.stringify(value),
  )
const graphql = (text: string, variables: object): JudgedRequest =>
  json('POST', '/graphql', { query: text, variables })
const upload = (
  path: string,
  name: string,
  type: string,
  content: string | Buffer,
  fields: Fields = {},
): JudgedRequest => {
  const boundary = '----WebKitFormBoundary7MA4YWxkTrZu0gW'
  const part = (head: string): string => `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n`
  return send(
    'POST',
    path,
    { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
    Buffer.concat([
      ...Object.entries(fields).map(([field, value]) =>
        Buffer.from(`${part(`name="${field}"`)}\r\n${value}\r\n`),
      ),
      Buffer.from(`${part(`name="file"; filename="${name}"`)}Content-Type: ${type}\r\n\r\n`),
      Buffer.from(content),
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  )
}

const PNG = Buffer.from(
  '89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000a49444154789c6300010000050001',
  'hex',
)

const RICH_TEXT =
  '<h2>Our autumn range</h2><p>We\'ve added <strong>three</strong> new teas &amp; a pot. See the <a href="/shop/teas">teas</a> ' +
  'or <a href="https://example.org/brewing" target="_blank" rel="noopener">how to brew them</a>.</p><ul><li>Assam</li><li>Sencha</li></ul>' +
  '<p><img src="/media/pot.jpg" alt="A pot" width="640" height="480"></p>'

const MARKDOWN = [
  '# Choosing a kettle',
  '',
  "It's simple: *pick one that pours well*. Most people don't need more than 1.7 l -- and that's fine.",
  '',
  '| size | price |',
  '| ---- | ----- |',
  '| 1 l  | £25   |',
  '',
  '> "Select the one you like from the shelf", as my aunt would say; or ask us.',
  '',
  '![kettle](/media/kettle.jpg) and [more](https://example.org/kettles?sort=price&page=2#top)',
].join('\n')

const pages = (): readonly JudgedRequest[] => [
  get('/'),
  get('/favicon.ico'),
  get('/assets/app.3f9c1d2e.js', undefined, { Referer: 'https://shop.example.com/' }),
  get('/assets/fonts/inter-v13-latin-regular.woff2'),
  get('/media/pot.jpg', { w: '640', h: '480', fit: 'crop' }),
  get('/about-us'),
  get('/blog/2025/10/how-to-select-a-teapot-from-our-range'),
  get('/shop/teas', { sort: 'price', order: 'desc', page: '2' }),
  get('/shop/teas', { 'filter[origin][]': 'Japan', 'filter[price]': '10-25' }),
  get('/shop/item/8812-earl-grey-250g', {
    utm_source: 'newsletter',
    utm_medium: 'email',
    utm_campaign: 'autumn_2025',
  }),
  get('/shop/item/8812', { ref: 'https://www.example.org/reviews?id=7&lang=en' }),
  get('/redirect', { next: '/account/orders?status=open&page=1' }),
  get('/calendar', { from: '2025-11-01', to: '2025-11-30', tz: 'Europe/Berlin' }),
  get('/events', { at: '2025-11-21T14:30:00+01:00' }),
  get('/store-locator', { lat: '51.5074', lng: '-0.1278', radius: '5' }),
  get('/%E3%81%8A%E8%8C%B6', { q: '抹茶' }),
  get('/feed.xml'),
  get('/robots.txt'),
  get('/download/price-list.pdf', { version: '2025.11' }),
  get('/unsubscribe', { token: 'b3J8Qk9kZ0x4bTdwUVd2Yw==', email: "anne.o'neil@example.com" }),
]

const searches = (): readonly JudgedRequest[] =>
  [
    'earl grey',
    "men's gloves",
    "rock 'n' roll mug",
    'tea & coffee',
    'cups > 300 ml',
    '1/2 pint glass',
    'union jack mug',
    'select blend',
    '"cast iron" teapot',
    'C++ or C# mug',
    'order by phone',
    'gift for him and her',
    'café crème -decaf',
    '100% cotton towel',
    'tea (loose) #1',
    "d'Artagnan 1=2 print",
    'drop-leaf table',
    'what is the best tea?',
  ].map((q) => get('/search', { q }))

const account = (): readonly JudgedRequest[] => [
  form('/login', {
    email: 'anne@example.com',
    password: "c0rrect horse'battery-staple!",
    remember: 'on',
    csrf: 'Zk3vTn8yQ2hXbUo1',
  }),
  form('/login', { email: 'bob+shop@example.co.uk', password: '7$kL#p=9;x&Y', csrf: 'Zk3vTn8yQ2hXbUo2' }),
  form('/register', {
    name: "Siobhán O'Brien",
    email: 'siobhan@example.ie',
    password: 'Tr0ub4dor&3',
    terms: '1',
  }),
  form('/register', { name: 'Łukasz Żółć', company: 'Smith & Sons, Inc.', vat: 'GB123456789' }),
  form('/account/address', {
    street: "12 St. John's Wood Rd; flat 3/4",
    city: "King's Lynn",
    zip: 'PE30 1AA',
    country: 'GB',
  }),
  form('/account/address', {
    street: 'Straße des 17. Juni 135',
    city: 'Berlin',
    zip: '10623',
    country: 'DE',
  }),
  form('/contact', {
    subject: 'Order #10293',
    message:
      "Hi,\r\n\r\nmy order hasn't arrived -- can you select another courier? From Monday I'm away.\r\n\r\nThanks & regards,\r\nAnne",
  }),
  form('/contact', {
    subject: 'Question',
    message: 'Is the 2-for-1 offer valid on drop-down menu items or only in the table of contents (page 3)?',
  }),
  form('/review', {
    item: '8812',
    stars: '5',
    text: "I love it <3 -- it's the best tea I've had; 10/10, would buy again!",
  }),
  form('/review', {
    item: '8813',
    stars: '2',
    text: 'Smells of nothing... I like it when tea = tea. Not 1 or 2 but 3 cups were needed!',
  }),
  form('/newsletter', { email: 'x_y-z@sub.example.org' }),
  get('/account/orders', { status: 'open', 'sort[]': 'date' }),
  form('/account/password', {
    old: "pass'word",
    new: '--Yellow;Submarine--',
    repeat: '--Yellow;Submarine--',
  }),
  get('/logout'),
]

const cart = (): readonly JudgedRequest[] => [
  form('/cart/add', { item: '8812', quantity: '2', note: 'gift wrap, please' }),
  json('PATCH', '/api/cart/items/8812', { quantity: 3 }),
  json('POST', '/api/cart/voucher', { code: 'AUTUMN-10%' }),
  json('POST', '/api/checkout', {
    delivery: { type: 'courier', date: '2025-11-25', note: "Don't ring; leave at no. 5 & text me" },
    payment: 'invoice',
  }),
  json('POST', '/api/checkout/address', {
    lines: ["O'Connell Street 1", 'c/o "The Grove"'],
    postcode: 'D01 F5P2',
  }),
  send('DELETE', '/api/cart/items/8813'),
  get('/api/cart', { expand: 'items.product,totals' }, { Accept: 'application/json' }),
]

const api = (): readonly JudgedRequest[] => [
  json('POST', '/api/v1/search', {
    filter: { and: [{ price: { gte: 10, lte: 25 } }, { origin: ['JP', 'CN'] }] },
    sort: ['-price'],
    page: { size: 20 },
  }),
  json('PUT', '/api/v1/users/42', {
    name: "Anne O'Neil",
    bio: 'I sell tea & <books>; find me @anne',
    tags: ['tea', 'r&b'],
    limits: null,
  }),
  json('POST', '/api/v1/messages', {
    to: 'bob',
    text: 'see you at 5 :-) -- or later, if (when?) it rains; ok? 50/50 chance',
  }),
  json('POST', '/api/v1/track', [
    { event: 'click', x: 120, y: 88, t: 1763650000123, path: '/shop/teas#list' },
  ]),
  json('POST', '/api/v1/errors', {
    message: "TypeError: can't access property 'map', items is undefined",
    stack: 'render@https://shop.example.com/assets/app.js:1:20431',
    level: 'error',
  }),
  json('POST', '/api/v1/tickets', {
    title: 'Cannot update my profile',
    body: 'When I select "Delete account" from the menu, nothing happens. Where do I insert my new address?',
  }),
  send(
    'POST',
    '/api/v1/import',
    { 'Content-Type': 'text/csv' },
    'sku,name,price\n8812,"Earl Grey, loose",8.50\n8813,"Men\'s mug",12.00\n',
  ),
  send(
    'POST',
    '/api/v1/feed',
    { 'Content-Type': 'application/xml' },
    '<?xml version="1.0" encoding="UTF-8"?><order id="7"><item sku="8812" qty="2"/><note>Tea &amp; biscuits</note></order>',
  ),
  get(
    '/api/v1/products',
    { fields: 'id,name,price', 'price[gte]': '10', include: 'reviews', limit: '50' },
    { Accept: 'application/json' },
  ),
  graphql(
    'query Teas($first: Int!, $after: String) { products(first: $first, after: $after, where: {type: "tea"}) { edges { node { id name price } } pageInfo { hasNextPage endCursor } } }',
    { first: 20, after: 'Y3Vyc29yOjIw' },
  ),
  graphql('mutation Review($input: ReviewInput!) { addReview(input: $input) { id stars } }', {
    input: { item: '8812', stars: 5, text: "It's great & I'd select it again" },
  }),
  graphql('{ viewer { name orders(last: 3) { id total } } }', {}),
]

const editing = (): readonly JudgedRequest[] => [
  json('POST', '/cms/api/pages', { title: 'Autumn', slug: 'autumn-2025', html: RICH_TEXT }),
  form('/cms/pages/12/edit', { title: "What's new?", body: RICH_TEXT, status: 'draft' }),
  json('PUT', '/cms/api/posts/7', {
    title: 'Choosing a kettle',
    markdown: MARKDOWN,
    tags: ['kettles', 'how-to'],
  }),
  form('/cms/posts/8/edit', {
    title: 'On tables',
    markdown: 'Set the table, then *select* your cups from the top shelf. A union of milk and tea!',
  }),
  json('POST', '/cms/api/menu', {
    items: [
      { label: 'Home', href: '/' },
      { label: 'Tea & more', href: '/shop?tag=tea&tag=new' },
    ],
  }),
  upload('/cms/media', 'pot.png', 'image/png', PNG, { alt: "A pot that's blue", folder: 'products/2025' }),
  upload('/cms/media', 'Preisliste (final) v2.csv', 'text/csv', 'sku;price\n8812;8,50\n', {
    title: 'Prices & more',
  }),
  upload(
    '/account/avatar',
    "anne's photo.jpg",
    'image/jpeg',
    Buffer.from('ffd8ffe000104a46494600010100000100010000ffd9', 'hex'),
  ),
  get('/cms/preview', { page: '12', theme: 'dark', width: '1280px' }),
]

/** All requests of the session. */
export const browsingSession = (): readonly JudgedRequest[] => [
  ...pages(),
  ...searches(),
  ...account(),
  ...cart(),
  ...api(),
  ...editing(),
]
