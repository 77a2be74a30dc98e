import t from 'tap'
import { headFacts, statusLine } from '../../../../gateway/listener/strict/message-head.js'

await t.test('facts of a head', (t) => {
  t.match(headFacts([['Host', 'a']]), { close: false, keepAlive: false, upgrade: false, body: false })
  t.match(headFacts([['connection', 'X, Keep-Alive ,close']]), { close: true, keepAlive: true })
  t.match(
    headFacts([
      ['Connection', 'x'],
      ['CONNECTION', 'Upgrade'],
      ['Upgrade', 'WebSocket'],
    ]),
    { upgrade: true, webSocket: true, close: false },
  )
  t.match(headFacts([['Connection', 'closed']]), { close: false })
  t.match(headFacts([['Upgrade', 'h2c, websocket']]), { webSocket: false })
  t.match(headFacts([['expect', '100-Continue']]), { expectsContinue: true })
  t.match(headFacts([['content-length', '0']]), { body: true, transferEncoding: false })
  t.match(headFacts([['Transfer-Encoding', 'chunked']]), { body: true, transferEncoding: true })
  t.end()
})

await t.test('lines of a response', (t) => {
  t.equal(statusLine(404), 'HTTP/1.1 404 Not Found\r\n')
  t.equal(statusLine(799), 'HTTP/1.1 799 \r\n')
  t.end()
})
