import { z } from 'zod'
import { anchorsAnswer, coveringAnswer, MAX_LISTED } from '../anchor/api.js'
import { JSON_TYPE } from './message.js'
import { NONE, route } from './route.js'
import { checkpoint, decimal, numberOf, size } from './schemas.js'

const address = z
  .string()
  .regex(/^[0-9a-f]{40}$/)
  .describe('Address without 0x.')
const hex = z
  .string()
  .regex(/^[0-9a-f]{64}$/)
  .describe('32 bytes without 0x.')
const name = z.string().describe('What the configuration calls the chain.')
const time = z.int().describe('Milliseconds since the Unix epoch.')

const anchor = z
  .strictObject({
    chain_id: z.int().min(1),
    contract: address,
    submitter: address,
    log_id: hex,
    size,
    root: hex,
    tx: hex,
    block_number: z.int().min(0),
    block_hash: hex,
    block_time: time,
    log_index: z.int().min(0),
  })
  .describe('Where a tree stands on a chain, as receipts hold it.')

const record = z.strictObject({
  size,
  root: hex,
  state: z.enum(['queued', 'sent', 'mined', 'safe', 'finalized', 'orphaned', 'superseded']),
  transactions: z.array(hex).describe('Every transaction that was ever signed for it, oldest first.'),
  cost_wei: z.string(),
  orphaned: z.int().min(0).describe('How often its block was undone.'),
  queued_at: time,
  changed_at: time,
  nonce: z.int().min(0).optional(),
  waits_for: z.string().optional().describe('Why it does not get on.'),
  anchor: anchor.optional(),
})

export const getAnchors = route({
  method: 'GET',
  path: '/v1/anchors',
  name: 'getAnchors',
  summary: 'The chains that this log is anchored on, and its anchors there in whatever state',
  access: 'read',
  parameters: NONE,
  query: NONE,
  answers: {
    200: {
      description: `The newest ${MAX_LISTED} anchors of each chain, smallest tree first.`,
      content: {
        [JSON_TYPE]: z.strictObject({
          targets: z.array(
            z.strictObject({
              name,
              chain_id: z.int().min(1),
              contract: address,
              code_hash: hex,
              submitter: address,
              problem: z.strictObject({ code: z.string(), message: z.string() }).optional(),
              anchors: z.array(record),
            }),
          ),
        }),
      },
    },
  },
  problems: [400, 401],
  handle: ({ options }) => anchorsAnswer(options.anchors),
})

export const getAnchorsCovering = route({
  method: 'GET',
  path: '/v1/anchors/{size}',
  name: 'getAnchorsCovering',
  summary: 'On each chain the smallest final anchor of a tree of at least so many entries',
  access: 'read',
  parameters: z.strictObject({ size: decimal }),
  query: NONE,
  answers: {
    200: {
      description: 'The anchors, each with the signed checkpoint that it is of.',
      content: {
        [JSON_TYPE]: z.strictObject({ anchors: z.array(z.strictObject({ name, checkpoint, anchor })) }),
      },
    },
  },
  problems: [400, 401, 404],
  handle: ({ options }, { path }) => coveringAnswer(options.anchors, numberOf(path.size)),
})
