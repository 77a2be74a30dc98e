import t from 'tap'
import { httpUrl, redisUrl, webSocketUrl } from '../../runtime/url.js'

const said = (schema: typeof httpUrl, value: unknown): string | undefined =>
  schema.safeParse(value).error?.issues[0]?.message

t.test('a URL has one of the schemes, and the error names them', async (t) => {
  t.equal(httpUrl.parse('https://tracker.example.com/api'), 'https://tracker.example.com/api')
  t.equal(said(httpUrl, 'ftp://a'), 'must be a URL that begins with http:// or https://')
  t.equal(said(httpUrl, 'tracker.example.com'), 'must be a URL that begins with http:// or https://')
  t.equal(said(webSocketUrl, 'https://a'), 'must be a URL that begins with ws:// or wss://')
  t.equal(said(webSocketUrl, 'wss://a'), undefined)
  t.equal(said(redisUrl, 'rediss://a:6379'), undefined)
  t.equal(said(redisUrl, 'xredis://a'), 'must be a URL that begins with redis:// or rediss://')
})

t.test('one that is missing, or no text, is told as that', async (t) => {
  t.match(said(httpUrl, undefined), /expected string/)
  t.match(said(httpUrl, 1), /expected string/)
})
