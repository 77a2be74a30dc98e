import { z } from 'zod'
import { PROOF_CODES } from '../../proofs/errors.js'
import { verificationReport } from '../../proofs/report.js'
import { CHECK_NAMES } from '../../proofs/verification.js'
import { verifyBundle } from '../../proofs/verify.js'
import { LedgerError } from '../errors.js'
import { json, JSON_TYPE } from './message.js'
import { NONE, route } from './route.js'
import { index, session, size } from './schemas.js'

/** Largest body of a question, in bytes; larger bundles are verified offline. */
const MAX_QUESTION = 1024 * 1024

const question = z.strictObject({
  bundle: z.string().describe('The text of a receipt or of a session bundle.'),
  policy: z
    .string()
    .describe(
      'The text of a trust policy. The answer is worth as much as this server; the policy is never its own.',
    ),
  session: session.optional().describe('The session that the caller has in mind.'),
})

const code = z.enum(PROOF_CODES)
const agentState = z.looseObject({ agent: z.string(), state: z.string(), count: z.int() })
const report = z.strictObject({
  ok: z.boolean().describe('Every check passed that the bundle and the policy call for.'),
  code: code.optional().describe('Code of the first check that failed.'),
  checks: z.array(
    z.strictObject({
      name: z.enum(CHECK_NAMES),
      result: z.enum(['pass', 'fail', 'not-checked']),
      code: code.optional(),
      message: z.string(),
    }),
  ),
  index: index.optional(),
  origin: z.string().optional(),
  size: size.optional(),
  signature: z.looseObject({ type: z.enum(['inline', 'seal']) }).optional(),
  entry: z.looseObject({}).optional().describe('The action, or what the seal says.'),
  session: z
    .strictObject({
      name: session,
      state: z.enum(['closed', 'open', 'gap', 'forked', 'truncated']),
      agents: z.array(agentState),
      entries: z.int(),
    })
    .optional(),
})

export const postVerify = route({
  method: 'POST',
  path: '/v1/verify',
  name: 'verify',
  summary: 'Verify a receipt or a session bundle under a policy',
  access: 'read',
  parameters: NONE,
  query: NONE,
  body: {
    description: `At most ${MAX_QUESTION} bytes. Nothing of it is kept.`,
    content: { [JSON_TYPE]: question },
  },
  answers: {
    200: {
      description: 'The verdict, good or bad, as `portcullis verify --json`.',
      content: { [JSON_TYPE]: report },
    },
  },
  problems: [400, 401, 413, 415, 429],
  handle: ({ verifying }, { request }) => {
    const type = request.contentType?.split(';')[0]?.trim().toLowerCase()
    if (type !== JSON_TYPE)
      throw new LedgerError('UNSUPPORTED_MEDIA_TYPE', `a question comes as ${JSON_TYPE}`)
    if (request.body.length > MAX_QUESTION)
      throw new LedgerError('TOO_LARGE', `a question has at most ${MAX_QUESTION} bytes: verify it offline`)
    const { bundle, policy, session } = readQuestion(request.body)
    const verdict = verifying.spend(() =>
      verifyBundle(Buffer.from(bundle), policy, {
        clock: { now: () => Date.now() },
        ...(session !== undefined && { session }),
      }),
    )
    return json(200, verificationReport(verdict), { 'cache-control': 'no-store' })
  },
})

function readQuestion(body: Uint8Array): z.output<typeof question> {
  try {
    return question.parse(JSON.parse(Buffer.from(body).toString('utf8')))
  } catch (cause) {
    throw new LedgerError('BAD_REQUEST', 'the question is JSON with bundle, policy and perhaps session', {
      cause,
    })
  }
}
