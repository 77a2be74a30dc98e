import t from 'tap'

import { endpointOf } from '../../../gateway/upstream/endpoint.js'

t.test('an origin says where to connect and whom to ask for', (t) => {
  t.same(endpointOf('http://shop.example'), {
    host: 'shop.example',
    port: 80,
    tls: false,
    servername: 'shop.example',
  })
  t.match(endpointOf('https://shop.example'), { port: 443, tls: true, servername: 'shop.example' })
  t.match(endpointOf('https://127.0.0.1:8443'), { host: '127.0.0.1', port: 8443, servername: '' })
  t.match(endpointOf('https://[::1]:8443'), { host: '::1', port: 8443, servername: '' })
  t.end()
})
