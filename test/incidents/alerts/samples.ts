import { alertsConfig } from '../../../incidents/alerts/config.js'
import { announcementOf } from '../../../incidents/alerts/announcement.js'
import type { IncidentAnnouncement } from '../../../incidents/alerts/announcement.js'
import type { Channel } from '../../../incidents/alerts/channel.js'
import { openChannel } from '../../../incidents/alerts/open.js'
import type { Incident } from '../../../incidents/incident.js'
import { outboundConfig } from '../../../runtime/outbound.js'

export const local = outboundConfig.parse({ allow: ['127.0.0.0/8'] })

/** What an attacker would like to be read as markup, a mention or a header. */
export const HOSTILE =
  '</pre><b>x</b> <!channel> @everyone [a](http://evil.example) `code` ```fence *_~ \r\nBcc: all@evil.example\u202e&amp;'

export const incident = (more: Partial<Incident> = {}): Incident => ({
  id: '019aa000-0000-7000-8000-000000000001',
  fingerprint: 'f',
  title: 'Blocked on shop: sql injection (rule 1)',
  severity: 'high',
  state: 'open',
  count: 3,
  first_seen: 0,
  last_seen: 0,
  evidence: [
    {
      event: 'e',
      time: 0,
      summary: HOSTILE,
      subjects: [{ type: 'url', site: 'shop', host: 'shop.example', path: '/' }],
    },
  ],
  issues: [],
  detected: { kind: 'security.verdict', site: 'shop', phase: 'sql_injection' },
  ...more,
})

export const opened = (more: Partial<Incident> = {}): IncidentAnnouncement =>
  announcementOf('incident.opened', incident(more), Date.UTC(2026, 0, 2, 3, 4, 5))

export const open = async (config: object, now: () => number = Date.now): Promise<Channel> => {
  const [parsed] = alertsConfig.parse([{ name: 'channel', ...config }])
  if (!parsed) throw new Error('no channel')
  return openChannel(parsed, { outbound: local, now })
}

export const send = (channel: Channel, announcement = opened(), recipient = channel.recipients[0] ?? '') =>
  channel.send({ id: 'an-id', recipient, announcement }, new AbortController().signal)
