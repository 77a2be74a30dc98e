/** What is served as static pages elsewhere (C2SP tlog-tiles), and consistency. */
import { z } from 'zod'
import { encodeBase64 } from '../../proofs/base64.js'
import { encodeEntryBundle, parseTilePath } from '../../proofs/tile.js'
import { json, JSON_TYPE, text, TEXT_TYPE } from './message.js'
import { problem } from './problem.js'
import { NONE, route } from './route.js'
import { decimal, hash, numberOf, size } from './schemas.js'

const BYTES_TYPE = 'application/octet-stream'
const IMMUTABLE = { 'content-type': BYTES_TYPE, 'cache-control': 'public, max-age=31536000, immutable' }
const CHANGING = { 'cache-control': 'no-cache' }

export const getCheckpoint = route({
  method: 'GET',
  path: '/checkpoint',
  name: 'getCheckpoint',
  summary: 'The newest signed checkpoint, with the cosignatures that it has',
  access: 'read',
  parameters: NONE,
  query: NONE,
  answers: { 200: { description: 'C2SP tlog-checkpoint.', content: { [TEXT_TYPE]: 'text' } } },
  problems: [400, 401],
  handle: ({ log, options }) => text((options.witnessing?.newest ?? log.published).note, CHANGING),
})

export const getTile = route({
  method: 'GET',
  path: '/tile/{level}/{tile}*',
  name: 'getTile',
  summary: 'A hash tile or an entry bundle (C2SP tlog-tiles)',
  access: 'read',
  parameters: z.strictObject({
    level: z.string().describe('0 to 6, or `entries`.'),
    tile: z
      .string()
      .describe('`x001/x234/067`, with `.p/W` for a partial tile of W. Slashes stand as they are.'),
  }),
  query: NONE,
  answers: {
    200: {
      description: 'Hashes of 32 bytes, or entries with their length before each. It never changes.',
      content: { [BYTES_TYPE]: 'bytes' },
    },
  },
  problems: [400, 401, 404, 500],
  handle: async ({ log }, { path }) => {
    const named = parseTilePath(`tile/${path.level}/${path.tile}`)
    if (named === undefined) return problem(404, 'not_found', 'this path names no tile')
    const { level, index, width } = named
    const body =
      level === 'entries'
        ? encodeEntryBundle(await log.entries(index * 256, width))
        : log.tile(level, index, width)
    return { status: 200, headers: IMMUTABLE, body }
  },
})

export const getConsistency = route({
  method: 'GET',
  path: '/v1/consistency',
  name: 'getConsistency',
  summary: 'The proof that a larger tree holds a smaller one',
  access: 'read',
  parameters: NONE,
  query: z.strictObject({
    from: decimal.describe('The smaller size, at least 1.'),
    to: decimal.optional().describe('The larger size; that of the newest checkpoint when left out.'),
  }),
  answers: {
    200: {
      description: 'RFC 9162 section 2.1.4.',
      content: { [JSON_TYPE]: z.strictObject({ from: size, to: size, proof: z.array(hash) }) },
    },
  },
  problems: [400, 401, 404],
  handle: ({ log }, { query }) => {
    const from = numberOf(query.from)
    const to = query.to === undefined ? log.published.size : numberOf(query.to)
    return json(200, { from, to, proof: log.consistency(from, to).map(encodeBase64) }, CHANGING)
  },
})
