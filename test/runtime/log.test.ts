import t from 'tap'

import { createLogger } from '../../runtime/log.js'

const capture = () => {
  const lines: Record<string, unknown>[] = []
  return { lines, destination: { write: (line: string) => void lines.push(JSON.parse(line)) } }
}

void t.test('writes one JSON object per line with role, level and ISO time', async (t) => {
  const { lines, destination } = capture()
  createLogger({ level: 'info', role: 'gateway', destination }).info({ port: 8080 }, 'listening')
  t.match(lines[0], {
    level: 'info',
    role: 'gateway',
    port: 8080,
    msg: 'listening',
    time: /^\d{4}-\d\d-\d\dT.*Z$/,
  })
})

void t.test('keeps secrets out', async (t) => {
  const { lines, destination } = capture()
  const log = createLogger({ level: 'info', role: 'x', destination })
  log.info({
    token: 'S3CR3T',
    headers: { authorization: 'S3CR3T', cookie: 'S3CR3T', 'set-cookie': ['S3CR3T'], host: 'kept' },
    request: { headers: { Authorization: 'S3CR3T', 'x-api-key': 'S3CR3T' } },
    config: { password: 'S3CR3T', secret: 'S3CR3T' },
  })
  const text = JSON.stringify(lines)
  t.notMatch(text, /S3CR3T/)
  t.match(text, /kept/)
})

void t.test('obeys its level', async (t) => {
  const { lines, destination } = capture()
  const log = createLogger({ level: 'warn', role: 'x', destination })
  log.info('no')
  log.warn('yes')
  t.equal(lines.length, 1)
})
