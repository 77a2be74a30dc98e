import { z } from 'zod'
import { anchorsConfig } from './anchor/config.js'
import { secretReference } from '../runtime/secret.js'
import { mysqlConfig } from './mirror/config.js'
import { witnessesConfig } from './witnessing/config.js'

const KIB = 1024
const MIB = 1024 * KIB

/** `HOST:PORT`, an IPv6 address in brackets; port 0 takes any free one. */
const HOST_PORT = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):(\d{1,5})$/

/** Splits what `ledger.listen` accepts; `undefined` for anything else. */
export function splitListen(text: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, plain, digits] = HOST_PORT.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return host === undefined || port > 65_535 ? undefined : { host, port }
}

/** `ledger:` in the configuration. */
export const ledgerConfig = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9.-]{0,98}[a-z0-9])?$/, 'must be like a host name, in lower case')
      .optional()
      .describe('What the origin of a new log starts with. Default: the name of this host.'),
    origin: z
      .string()
      .max(200)
      .regex(/^[^\s+]+\/[0-9a-f]{16}$/, 'must be an origin as `portcullis ledger init` prints it')
      .optional()
      .describe(
        'The log that the data folder must hold. With it, an empty folder is refused instead of becoming a new log, so ' +
          'that a lost volume is noticed. Default: whatever the folder holds.',
      ),
    listen: z
      .string()
      .refine(
        (text) => splitListen(text) !== undefined,
        'must be HOST:PORT, e.g. 127.0.0.1:8090 or [::1]:8090',
      )
      .optional()
      .describe(
        'TCP address of the API, beside the Unix socket in the data folder. Who may read there, `reads` says. Default: none.',
      ),
    token: secretReference
      .optional()
      .describe(
        'Where the bearer token for writes over TCP is kept: env:NAME, file:PATH or exec:["PROGRAM","ARGUMENT"]. Without ' +
          'it, writes over TCP are refused.',
      ),
    root_key: secretReference
      .optional()
      .describe(
        "Where the operator's root key is, with which the ledger registers the keys of this machine: env:NAME, file:PATH " +
          'or exec:["PROGRAM","ARGUMENT"]. Default: keys/root in the data folder; when that file was moved away, ' +
          'registrations wait for `portcullis keys register`.',
      ),
    reads: z
      .enum(['open', 'token'])
      .default('open')
      .describe(
        'Who may read over TCP: `open` lets everybody, as a public log does; `token` asks for the token of writes. /health ' +
          'and /openapi.json are always open.',
      ),
    max_body_bytes: z
      .int()
      .min(64 * KIB)
      .max(16 * MIB)
      .default(8 * MIB)
      .describe('Largest body of one POST; over it 413. Bytes; default 8 MiB.'),
    segment_bytes: z
      .int()
      .min(64 * KIB)
      .max(1024 * MIB)
      .default(32 * MIB)
      .describe('Size at which a new segment of the write-ahead log is begun. Bytes; default 32 MiB.'),
    mysql: mysqlConfig,
    witnesses: witnessesConfig,
    anchors: anchorsConfig,
  })
  .refine(({ reads, token }) => reads === 'open' || token !== undefined, {
    path: ['reads'],
    error: 'needs ledger.token',
  })
  .describe('The ledger.')

export type LedgerConfig = z.output<typeof ledgerConfig>
