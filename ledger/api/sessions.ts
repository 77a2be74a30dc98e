import { z } from 'zod'
import { decodeHex } from '../../proofs/bytes.js'
import { makeBundle, MAX_BUNDLE } from '../bundle.js'
import { LedgerError } from '../errors.js'
import { provingFor } from './context.js'
import { json, JSON_TYPE } from './message.js'
import { NONE, route } from './route.js'
import { agent, decimal, index, numberOf, session, size } from './schemas.js'

const CHANGING = { 'cache-control': 'no-cache' }
/** Entries that one lookup names. */
const MAX_FOUND = 100

const state = z
  .enum(['closed', 'open', 'gap', 'forked'])
  .describe(
    '`closed`: nothing is missing. `open`: no gap, but no close either. `gap`: `missing` numbers are not there, or the ' +
      'close does not fit. `forked`: two entries have one number.',
  )
const missing = z.int().min(0).describe('Numbers that must be there and are not.')

export const getSession = route({
  method: 'GET',
  path: '/v1/sessions/{session}',
  name: 'getSession',
  summary: 'Who acts in a session, and whether its record is whole',
  access: 'read',
  parameters: z.strictObject({ session }),
  query: NONE,
  answers: {
    200: {
      description: 'As of a checkpoint of `size` entries or a later one. The bundle proves it.',
      content: {
        [JSON_TYPE]: z.strictObject({
          session,
          participants: z.array(agent).optional().describe('Those that `session.open` names.'),
          completeness: z.strictObject({ state, missing }).describe('The worst of the agents’.'),
          agents: z.array(
            z.strictObject({
              agent,
              state,
              actions: z.int().min(0).describe('Different numbers that are there.'),
              missing,
              forks: z.int().min(0).describe('Actions whose number another entry has as well.'),
            }),
          ),
          size,
        }),
      },
    },
  },
  problems: [400, 401, 404],
  handle: ({ log }, { path }) => {
    const { size } = log.published
    const { state, missing, agents, participants } = log.session(path.session)
    const completeness = { state, missing }
    return json(200, { session: path.session, participants, completeness, agents, size }, CHANGING)
  },
})

export const getBundle = route({
  method: 'GET',
  path: '/v1/bundle/{session}',
  name: 'getBundle',
  summary: 'All entries of a session with what proves them offline',
  access: 'read',
  parameters: z.strictObject({ session }),
  query: z.strictObject({
    from: decimal.optional().describe('Log index to begin at: the `next` of the bundle before.'),
    limit: decimal
      .optional()
      .describe(`Entries after which the bundle is cut, behind a whole batch; 1 to ${MAX_BUNDLE.entries}.`),
  }),
  answers: {
    200: {
      description:
        `A bundle (\`portcullis.dev/bundle/v1\`), which \`portcullis verify\` checks. Above ${MAX_BUNDLE.entries} entries or ` +
        `${MAX_BUNDLE.bytes} bytes of entries it is cut: \`next\` says where the following one begins.`,
      content: { [JSON_TYPE]: z.looseObject({ format: z.literal('portcullis.dev/bundle/v1'), session }) },
    },
  },
  problems: [400, 401, 404, 500],
  handle: async (context, { path, query }) => {
    const limit = query.limit === undefined ? MAX_BUNDLE.entries : numberOf(query.limit)
    if (limit < 1 || limit > MAX_BUNDLE.entries)
      throw new LedgerError('BAD_REQUEST', `limit is from 1 to ${MAX_BUNDLE.entries}`)
    const from = query.from === undefined ? 0 : numberOf(query.from)
    const body = await makeBundle(context.log, path.session, { from, limit }, (size) =>
      provingFor(context, size),
    )
    return { status: 200, headers: { 'content-type': JSON_TYPE, ...CHANGING }, body }
  },
})

const hex = z.string().regex(/^[0-9a-f]{64}$/, 'is not a hash in lower-case hexadecimal')

export const getLookup = route({
  method: 'GET',
  path: '/v1/lookup',
  name: 'lookUp',
  summary: 'The entries with a leaf hash, or with a commitment',
  access: 'read',
  parameters: NONE,
  query: z.strictObject({
    leaf: hex.optional().describe('RFC 6962 leaf hash of an entry, hexadecimal.'),
    commitment: hex.optional().describe('`hash` of a commitment that an action holds, hexadecimal.'),
    from: decimal.optional().describe('Log index to begin at: the `next` of the answer before.'),
  }),
  answers: {
    200: {
      description: `Ascending; at most ${MAX_FOUND}, and \`next\` when there are more. None is an empty list.`,
      content: { [JSON_TYPE]: z.strictObject({ entries: z.array(index), next: index.optional() }) },
    },
  },
  problems: [400, 401],
  handle: ({ log }, { query }) => {
    const { leaf, commitment } = query
    const from = query.from === undefined ? 0 : numberOf(query.from)
    if ((leaf === undefined) === (commitment === undefined))
      throw new LedgerError('BAD_REQUEST', 'one of leaf and commitment is given')
    if (leaf !== undefined) {
      const found = log.indexOfLeaf(decodeHex(leaf) ?? new Uint8Array(0))
      return json(200, { entries: found === undefined || found < from ? [] : [found] }, CHANGING)
    }
    const found = log.indexesOfCommitment(commitment ?? '', from, MAX_FOUND + 1)
    const next = found[MAX_FOUND]
    return json(200, { entries: found.slice(0, MAX_FOUND), next }, CHANGING)
  },
})
