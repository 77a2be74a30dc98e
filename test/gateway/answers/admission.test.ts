import t from 'tap'

import type { PhaseReport } from '../../../detectors/modes.js'
import { admit, checkBan } from '../../../gateway/answers/admission.js'
import type { Answer, AnswerAction } from '../../../gateway/answers/answer.js'
import { NeverBan } from '../../../gateway/answers/never-ban.js'
import { gatewayConfig } from '../../../gateway/config.js'
import { createLogger } from '../../../runtime/log.js'
import { uuidv7 } from '../../../runtime/uuid.js'

const NOW = 1_800_000_000_000
const config = gatewayConfig.parse({
  upstream: 'http://198.51.100.7:8080',
  trusted_proxies: ['198.51.100.32/28', '2001:db8:1::/48'],
  admin: '192.0.2.200:9090',
  answers: { never_ban: ['192.0.2.10', '2001:db8:2::5'], max_bans: 2, max_urls: 1, max_seconds: 3600 },
})
const neverBan = new NeverBan(config, createLogger({ level: 'silent', role: 'gateway' }))
const modes: Record<string, PhaseReport[]> = {
  shop: [
    { phase: 'ip_block', number: 2, mode: 'block', idle: false },
    { phase: 'url_block', number: 4, mode: 'detect', idle: false },
    { phase: 'custom_rules', number: 12, mode: 'off', idle: true },
  ],
}

const ask = (action: AnswerAction, more: { expires?: number; time?: number } = {}, held: Answer[] = []) =>
  admit({ id: uuidv7(NOW), time: NOW, by: 'test', dry_run: false, action, ...more }, held, NOW, {
    config: config.answers,
    neverBan,
    modes,
  })
const ban = (address: string): AnswerAction => ({ type: 'ban_client', address })

t.before(() => neverBan.refresh())

t.test('a client may be banned, a small network too', async (t) => {
  for (const address of [
    '203.0.113.9',
    '203.0.113.0/24',
    '203.0.113.128/25',
    '2001:db8:9::1',
    '2001:db8:9::/64',
  ])
    t.match(ask(ban(address)), { mode: 'block', answer: { action: { address } } }, address)
})

t.test('what is no network, or a wide one, may not', async (t) => {
  for (const address of ['203.0.112.0/23', '0.0.0.0/0', '2001:db8:9::/63', '::/0', '::ffff:203.0.112.0/119'])
    t.match(ask(ban(address)), { code: 'ANSWER_TOO_WIDE' }, address)
  for (const address of [
    '203.0.113.9/24',
    '203.0.113',
    '0xcb007109',
    '203.0.113.09',
    'localhost',
    '203.0.113.9 ',
    '1/',
  ])
    t.match(ask(ban(address)), { code: 'ANSWER_ADDRESS' }, address)
})

t.test('whom the service needs is never banned, in whichever way it is written', async (t) => {
  for (const address of [
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '::ffff:127.0.0.1',
    '198.51.100.7',
    '198.51.100.0/24',
    '::ffff:198.51.100.7',
    '198.51.100.40',
    '2001:db8:1:7::/64',
    '2001:db8:1::1',
    '192.0.2.10',
    '192.0.2.0/24',
    '::ffff:c000:20a',
    '2001:db8:2::/64',
    '192.0.2.200',
  ])
    t.match(checkBan(address, neverBan), { code: 'ANSWER_NEVER_BAN' }, address)
  for (const address of ['198.51.100.6', '198.51.100.48', '192.0.2.11', '2001:db8:3::5'])
    t.equal(checkBan(address, neverBan), undefined, address)
})

t.test('an answer holds no longer than the longest time, counted from when it was asked for', async (t) => {
  t.match(ask(ban('203.0.113.9'), { expires: NOW + 1e9 }), { answer: { expires: NOW + 3_600_000 } })
  t.match(ask(ban('203.0.113.9'), { expires: NOW + 5 }), { answer: { expires: NOW + 5 } })
  t.match(ask(ban('203.0.113.9')), { answer: { expires: NOW + 3_600_000 } })
  t.match(ask(ban('203.0.113.9'), { time: NOW - 3_600_000 }), { code: 'ANSWER_EXPIRED' })
  t.match(ask(ban('203.0.113.9'), { expires: NOW }), { code: 'ANSWER_EXPIRED' })
})

t.test('no more answers than allowed hold, and the older ones stay', async (t) => {
  const held = ['203.0.113.1', '203.0.113.2'].map((address): Answer => ({
    command: uuidv7(NOW),
    by: 'test',
    action: { type: 'ban_client', address },
    since: NOW,
    expires: NOW + 1,
  }))
  t.match(ask(ban('203.0.113.9'), {}, held), { code: 'ANSWER_LIMIT' })
  t.match(ask(ban('203.0.113.9'), {}, held.slice(1)), { answer: {} })
})

t.test('a path is kept as it is compared; the front page is not blocked', async (t) => {
  const block = (path: string, site = 'shop') => ask({ type: 'block_url', site, path })
  t.match(block('/Admin%2fx/'), { mode: 'detect', answer: { action: { path: '/admin/x' } } })
  for (const path of ['/', '//', '/.', '/a/..', '/%2e']) t.match(block(path), { code: 'ANSWER_PATH' }, path)
  t.match(block('/a', 'other'), { code: 'ANSWER_SITE' })
})

t.test('an answer whose phase is off is refused: nothing would come of it', async (t) => {
  t.match(
    ask({
      type: 'virtual_patch',
      site: 'shop',
      path: '/a',
      variable: 'ARGS:a',
      allow: 'integer',
      max_length: 9,
      evidence: ['x'],
    }),
    { code: 'ANSWER_PHASE_OFF' },
  )
})
