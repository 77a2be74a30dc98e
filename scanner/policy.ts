import { z } from 'zod'
import type { Level } from './verdict.js'

/** `scanner.policy`: what findings that state a score raise the verdict to. */
export const scanPolicyConfig = z
  .strictObject({
    malicious_score: z
      .number()
      .min(0)
      .max(100)
      .default(75)
      .describe('A YARA rule with this score or more makes a file malicious.'),
    suspicious_score: z
      .number()
      .min(0)
      .max(100)
      .default(40)
      .describe('With this score or more it makes it suspicious; with less it is only told (a note).'),
    heuristic_score: z
      .number()
      .min(0)
      .max(100)
      .default(60)
      .describe(
        'The sum of the structure heuristics of one content that makes it suspicious; with less they are only told. They never make a file malicious.',
      ),
  })
  .refine((policy) => policy.suspicious_score <= policy.malicious_score, {
    path: ['suspicious_score'],
    message: 'must not be more than malicious_score',
  })
  .describe(
    'What findings raise the verdict to: malicious over suspicious over error over skipped over clean',
  )

export type ScanPolicy = z.output<typeof scanPolicyConfig>

export const levelOfScore = (score: number, policy: ScanPolicy): Level =>
  score >= policy.malicious_score ? 'malicious' : score >= policy.suspicious_score ? 'suspicious' : 'note'
