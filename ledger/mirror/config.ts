import { z } from 'zod'
import { secretReference } from '../../runtime/secret.js'

/** `ledger.mysql:` in the configuration. */
export const mysqlConfig = z
  .strictObject({
    url: secretReference.describe(
      'Where the URL of the database is kept: env:NAME, file:PATH or exec:["PROGRAM","ARGUMENT"]. The URL itself is ' +
        'mysql://USER:PASSWORD@HOST:PORT/DATABASE, or mysql://USER:PASSWORD@localhost/DATABASE?socket=/PATH.',
    ),
    tls: z
      .enum(['verify', 'off'])
      .default('verify')
      .describe(
        'verify: TLS 1.2 or newer, with a certificate for the host; off: in the clear. Default verify. A Unix socket ' +
          'needs none.',
      ),
    ca: z
      .string()
      .min(1)
      .optional()
      .describe('File (PEM) with the authorities that may certify the server. Default: those of Node.js.'),
  })
  .optional()
  .describe(
    'Mirrors the log to a MySQL or MariaDB database of its own, in which every checkpoint is recorded before it is ' +
      'published: two writers on two machines cannot fork the log. Default: none.',
  )

export type MysqlConfig = NonNullable<z.output<typeof mysqlConfig>>
