import { Cron } from 'croner'
import type { AlertConfig } from './config.js'

type QuietHours = NonNullable<AlertConfig['quiet_hours']>

/**
 * When the quiet hours end that `now` lies in, in milliseconds since the Unix epoch; undefined outside them. The time zone's
 * own clock counts, so that a change to summer time moves neither end.
 */
export function quietUntil({ from, to, zone }: QuietHours, now: number): number | undefined {
  const time = new Intl.DateTimeFormat('en', {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: zone,
  }).format(now)
  const within = from < to ? time >= from && time < to : time >= from || time < to
  if (!within) return undefined
  const [hour, minute] = to.split(':').map(Number)
  return new Cron(`0 ${minute} ${hour} * * *`, { timezone: zone }).nextRun(new Date(now))?.getTime()
}
