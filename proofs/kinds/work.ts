import {
  commitment,
  count,
  distinct,
  integer,
  matching,
  name,
  object,
  policy,
  reason,
  remark,
  status,
  target,
  text,
  uuid,
} from './members.js'
import type { KindMembers } from './members.js'

const duration = count('Milliseconds that it took.')

/** What agents do: tools, models, decisions, transactions, messages. */
export const workKinds = {
  'tool.call': {
    description: 'A tool is called; `in` commits to the arguments.',
    required: { target, in: commitment },
    optional: { policy },
  },
  'tool.result': {
    description: 'A tool answered; `out` commits to the result after redaction.',
    required: { target, status },
    optional: {
      call: uuid,
      in: commitment,
      out: commitment,
      policy,
      duration_ms: duration,
      error: remark(2000),
    },
  },
  decision: {
    description: 'A policy decided.',
    required: { policy },
    optional: { subject: uuid, target, in: commitment, status, reason },
  },
  'llm.call': {
    description: 'A model was asked; `target.server` is the provider, `target.tool` the model.',
    required: { target, in: commitment },
    optional: {
      out: commitment,
      status,
      policy,
      duration_ms: duration,
      usage: object({ input_tokens: count(), output_tokens: count() }),
    },
  },
  'chain.tx': {
    description: 'A transaction was sent to a chain.',
    required: {
      chain_tx: object({
        chain_id: integer(1, Number.MAX_SAFE_INTEGER),
        hash: matching(/^[0-9a-f]{64}$/, 64),
      }),
    },
    optional: {
      target,
      to: matching(/^[0-9a-f]{40}$/, 40, 'Address without 0x.'),
      amount: matching(/^(?:0|[1-9][0-9]{0,77})$/, 78, 'In the smallest unit, as a decimal string.'),
      in: commitment,
      out: commitment,
      status,
      policy,
      reason,
    },
  },
  message: {
    description: 'One agent told others something.',
    required: { to: distinct(name, 64), body: commitment },
    optional: { media_type: text(100), status },
  },
} satisfies Record<string, KindMembers>
