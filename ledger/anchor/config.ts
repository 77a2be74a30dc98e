import { z } from 'zod'
import { ANCHOR_CODE_HASH } from '../../proofs/anchor.js'
import { secretReference } from '../../runtime/secret.js'

/** Hexadecimal with `0x`, kept in lower case without it. */
const hex = (digits: number, what: string) =>
  z
    .string()
    .regex(new RegExp(`^0x[0-9a-fA-F]{${digits}}$`), `must be ${what}: 0x and ${digits} hexadecimal digits`)
    .transform((text) => text.slice(2).toLowerCase())

const endpoint = z
  .string()
  .max(2000)
  .refine(
    (text) => /^(?:env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$/.test(text) || isHttp(text),
    'must be an http or https URL without credentials, env:NAME or file:PATH',
  )

function isHttp(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password } = new URL(text)
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === ''
}

/** One of `ledger.anchors` in the configuration: a chain that checkpoints are anchored on. */
export const anchorConfig = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be a short name in lower case')
      .describe('What commands, the API, metrics and the log call it.'),
    chain_id: z
      .int()
      .min(1)
      .describe('EIP-155 chain id. An endpoint that serves another chain is not believed.'),
    rpc: z
      .array(endpoint)
      .min(1)
      .max(8)
      .describe(
        'JSON-RPC endpoints; the first that answers is used, and transactions go to all of them. A URL, or env:NAME or ' +
          'file:PATH for one that holds a key. Private addresses must be in `outbound.allow`.',
      ),
    agree: z
      .int()
      .min(1)
      .max(8)
      .default(1)
      .describe('Endpoints that must confirm an anchor before it counts as final. Default 1.'),
    contract: hex(40, 'an address').describe(
      'Address of the contract, as `portcullis anchor deploy` prints it.',
    ),
    code_hash: hex(64, 'a hash')
      .default(ANCHOR_CODE_HASH)
      .describe(
        'Keccak-256 of the contract’s runtime code. Default: that of the contract that comes with the product.',
      ),
    key: secretReference.describe(
      'Where the secp256k1 private key is (64 hexadecimal digits) that anchors: env:NAME or file:PATH. Nothing else may ' +
        'send transactions with it.',
    ),
    interval_seconds: z
      .number()
      .min(1)
      .max(30 * 86_400)
      .default(3600)
      .describe('A log that grew is anchored this often at most. Default 3600.'),
    max_fee_gwei: z
      .number()
      .positive()
      .max(1_000_000)
      .default(100)
      .describe('Most that is paid per gas; while the chain asks for more, the anchor waits. Default 100.'),
    budget_gwei_per_day: z
      .int()
      .min(1)
      .default(10_000_000)
      .describe(
        'Most that may be spent in 24 hours, pending transactions counted at their worst; over it the anchor waits. ' +
          'Default 10000000 (0.01 of the chain’s coin).',
      ),
    replace_seconds: z
      .number()
      .min(1)
      .max(86_400)
      .default(180)
      .describe(
        'A transaction that is not mined after this is sent again with the same nonce and more fee. Default 180.',
      ),
    poll_seconds: z
      .number()
      .min(0.1)
      .max(3600)
      .default(15)
      .describe('The chain is looked at this often. Default 15.'),
    timeout_seconds: z
      .number()
      .positive()
      .max(120)
      .default(10)
      .describe('Time for one RPC call. Default 10.'),
    confirmations: z
      .int()
      .min(1)
      .max(10_000)
      .optional()
      .describe(
        'Only for a chain without the block tag `finalized`: blocks that have to follow for an anchor to count as final. ' +
          'Default: the chain’s own finality.',
      ),
  })
  .refine(({ agree, rpc }) => agree <= rpc.length, {
    path: ['agree'],
    error: 'must not be more than there are rpc endpoints',
  })

export type AnchorConfig = z.output<typeof anchorConfig>

/** `ledger.anchors` in the configuration. */
export const anchorsConfig = z
  .array(anchorConfig)
  .max(16)
  .refine(
    (anchors) => new Set(anchors.map(({ name }) => name)).size === anchors.length,
    'a name stands twice',
  )
  .default([])
  .describe('EVM chains that checkpoints are anchored on. Default none.')
