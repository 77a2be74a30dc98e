import { z } from 'zod'
import { decodeVkey, SIGNATURE_TYPES } from '../../proofs/note-key.js'
import { messageOf } from '../../runtime/errors.js'
import { splitListen } from '../config.js'

const KIB = 1024

const address = z
  .string()
  .refine((text) => splitListen(text) !== undefined, 'must be HOST:PORT, e.g. 127.0.0.1:8092 or [::1]:8092')

/** What is wrong with the vkey of a log, if anything. */
function vkeyProblem(vkey: string): string | undefined {
  try {
    return decodeVkey(vkey).type === SIGNATURE_TYPES.ed25519 ? undefined : 'must be the key of a log'
  } catch (error) {
    return `must be a vkey: ${messageOf(error)}`
  }
}

const witnessedLog = z
  .strictObject({
    vkey: z
      .string()
      .superRefine((vkey, context) => {
        const message = vkeyProblem(vkey)
        if (message !== undefined) context.addIssue({ code: 'custom', message })
      })
      .describe(
        "The log's public key, name+id+base64. Its name is the log's origin; several keys of one origin all count.",
      ),
    max_body_bytes: z
      .int()
      .min(KIB)
      .max(1000 * KIB)
      .default(64 * KIB)
      .describe('Largest request for this log; over it 413. Bytes; default 64 KiB.'),
    requests_per_minute: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1200)
      .describe(
        'Requests with a good signature of this log that one address may send; over it 429. Checkpoints are public, so ' +
          'that anybody can send them again: other addresses do not use up what this one may. Default 1200.',
      ),
  })
  .describe('A log that is followed.')

/** `witness:` in the configuration. */
export const witnessConfig = z
  .strictObject({
    name: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9.-]{0,98}[a-z0-9])?$/, 'must be like a host name, in lower case')
      .optional()
      .describe('What the name of a new witness key starts with. Default: the name of this host.'),
    listen: address
      .default('127.0.0.1:8092')
      .describe('TCP address of add-checkpoint and of what monitors read. Default 127.0.0.1:8092.'),
    admin: address
      .default('127.0.0.1:9092')
      .describe('TCP address of /health, /ready and /metrics. Default 127.0.0.1:9092.'),
    logs: z
      .array(witnessedLog)
      .max(1000)
      .default([])
      .describe('The logs that this witness follows; all others get 404. Without one it does not start.'),
  })
  .describe('The witness: cosigns checkpoints of logs that only ever grow.')

export type WitnessConfig = z.output<typeof witnessConfig>
