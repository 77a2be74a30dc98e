import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { trackersConfig } from '../../../incidents/trackers/config.js'
import { TrackerError } from '../../../incidents/trackers/errors.js'
import { openTracker } from '../../../incidents/trackers/open.js'
import { outboundConfig } from '../../../runtime/outbound.js'
import { trackerServer } from '../fakes/tracker-server.js'

process.env['HOSTILE_TOKEN'] = 'token'
const outbound = outboundConfig.parse({ allow: ['127.0.0.0/8'] })
const { signal } = new AbortController()
const numRuns = Number(process.env['PORTCULLIS_FUZZ_RUNS'] ?? 60)
const MARKER = randomBytes(16).toString('hex')
const UUID = '11111111-1111-4111-8111-111111111111'
const ref = { tracker: 'x', id: UUID, key: 'X-1', url: 'https://example.org' }
const draft = { title: 't', body: MARKER, severity: 'high', state: 'open', marker: MARKER } as const

const KINDS: Readonly<Record<string, object>> = {
  'openpr over rest': { type: 'openpr', project: UUID, labels: ['a'] },
  'openpr over mcp': { type: 'openpr', project: UUID, transport: 'mcp' },
  github: { type: 'github', project: 'acme/edge' },
  http: {
    type: 'http',
    create: { path: '/tasks', body: { t: '{{title}}' }, id: '/data/id', key: '/key', url: '/url' },
    find: { path: '/tasks?q={{marker}}', items: '/items', text: '/body' },
    comment: { path: '/tasks/{{id}}/comments', body: { text: '{{text}}' } },
    comments: { path: '/tasks/{{id}}/comments', items: '/items', text: '/body' },
    state: { path: '/tasks/{{id}}', body: { s: '{{state}}' } },
  },
}

/** What a tracker could answer with: the members that are looked for, with anything in them. */
const words =
  'code message data items id key url body description number html_url user login name result error'.split(
    ' ',
  )
const { value: answer } = fc.letrec<{ value: unknown; members: unknown; text: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'medium' },
    fc.constantFrom<unknown>(0, 1, UUID, MARKER, 'https://example.org', true, null),
    fc.jsonValue(),
    fc.array(tie('value'), { maxLength: 3 }),
    tie('members'),
    tie('text'),
  ),
  members: fc.dictionary(
    fc.constantFrom(...words, 'content', 'type', 'text', 'isError', 'results', '__proto__'),
    tie('value'),
  ),
  // As tools of MCP answer: JSON in a text.
  text: fc.record({
    result: fc.record({
      content: fc.tuple(fc.record({ type: fc.constant('text'), text: fc.oneof(fc.json(), fc.string()) })),
      isError: fc.boolean(),
    }),
  }),
}))

/** A tracker of a kind, and a server that answers with what it is told to. */
const open = async (t: Test, kind: string) => {
  const said: { status: number; json: unknown } = { status: 200, json: {} }
  const server = await trackerServer(t, { handle: () => said, failure: () => said })
  const [config] = trackersConfig.parse([
    { name: 'x', base_url: server.url, token: 'env:HOSTILE_TOKEN', ...KINDS[kind] },
  ])
  const log = pino({ level: 'silent' })
  const tracker = await openTracker(config!, { outbound, log, now: Date.now })
  t.teardown(() => tracker.close())
  const calls: readonly (() => Promise<unknown> | undefined)[] = [
    () => tracker.create(draft, signal),
    () => tracker.find?.({ marker: MARKER, since: 0 }, signal),
    () => tracker.comment?.(ref, MARKER, MARKER, signal),
    () => tracker.hasComment?.(ref, { marker: MARKER, since: 0 }, signal),
    () => tracker.setState?.(ref, 'resolved', signal),
  ]
  return { said, calls }
}

for (const kind of Object.keys(KINDS))
  t.test(`${kind}: whatever it answers is understood or a TrackerError`, async (t) => {
    const { said, calls } = await open(t, kind)
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(200, 200, 200, 201, 404, 500), answer, async (status, json) => {
        Object.assign(said, { status, json })
        for (const call of calls)
          try {
            await call()
          } catch (error) {
            if (!(error instanceof TrackerError)) throw error
          }
      }),
      { numRuns },
    )
  })
