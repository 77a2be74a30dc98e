import { z } from 'zod'

const MiB = 1024 * 1024

/** `scanner: archives:` in the configuration. */
export const archiveLimits = z
  .strictObject({
    max_depth: z
      .number()
      .int()
      .min(1)
      .max(64)
      .default(16)
      .describe(
        'Archives in archives. What is nested deeper is not opened and makes the file suspicious (max_depth).',
      ),
    max_members: z
      .number()
      .int()
      .min(1)
      .max(10_000_000)
      .default(100_000)
      .describe('Members of one file at all depths. Further ones are not judged: skipped (max_members).'),
    max_member_size: z
      .number()
      .int()
      .min(1)
      .max(2047 * MiB)
      .default(256 * MiB)
      .describe('Bytes. Of a larger member only the beginning is judged: skipped (max_member_size).'),
    max_total_size: z
      .number()
      .int()
      .min(1)
      .max(64 * 1024 * MiB)
      .default(1024 * MiB)
      .describe(
        'Bytes that one file may unpack to at all depths together, which is also the most memory that unpacking it takes. ' +
          'What comes after is not judged: skipped (max_total_size).',
      ),
    max_ratio: z
      .number()
      .min(2)
      .max(1_000_000)
      .default(250)
      .describe(
        'Unpacked bytes for each packed byte, beyond the first 16 MiB. More is a bomb: suspicious (max_ratio).',
      ),
    max_seconds: z
      .number()
      .positive()
      .max(3600)
      .default(30)
      .describe(
        'For unpacking one file and judging its members. What comes after is not judged: error (max_time). ' +
          'Keep it below file_timeout_seconds, which loses what was found until then.',
      ),
  })
  .describe('Limits of unpacking. What was found before a limit was met is always reported.')

export type ArchiveLimits = z.infer<typeof archiveLimits>
