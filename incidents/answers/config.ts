import { z } from 'zod'
import { PROPOSABLE } from './action.js'

const DAY = 86_400

const commandConfig = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,62}$/)
    .describe('What playbooks call it.'),
  run: z
    .array(z.string().min(1).max(4096))
    .min(1)
    .max(64)
    .refine(
      ([program]) => program?.startsWith('/') === true,
      'must begin with the absolute path of a program',
    )
    .describe(
      'Program and arguments, exactly as they are started: without a shell, and nothing of an incident is put into them.',
    ),
  timeout_seconds: z
    .int()
    .min(1)
    .max(3600)
    .default(60)
    .describe('Then its process group is killed and the answer has failed. Default 60.'),
})

export type CommandConfig = z.output<typeof commandConfig>

/** `answers:` in the configuration. */
export const answersPolicyConfig = z
  .strictObject({
    commands: z
      .array(commandConfig)
      .max(100)
      .default([])
      .refine(
        (list) => new Set(list.map(({ name }) => name)).size === list.length,
        'two commands have the same name',
      )
      .describe(
        'Programs that `run_command` may start, as the user of this role. They get the incident as JSON on standard input: it ' +
          'holds what attackers sent. Default none.',
      ),
    approvals: z
      .strictObject({
        expire_seconds: z
          .int()
          .min(60)
          .max(30 * DAY)
          .default(3600)
          .describe(
            'A question that nobody answered by then is closed, and the answer is not given. Default 3600.',
          ),
      })
      .prefault({})
      .describe('Questions to people.'),
    proposals: z
      .strictObject({
        allow: z
          .array(z.enum(PROPOSABLE))
          .default([...PROPOSABLE])
          .describe('What agents may propose; all else of a proposal is refused. Default all of these.'),
        automatic: z
          .array(z.enum(PROPOSABLE))
          .default([])
          .describe(
            'Proposals that need no person: the agent then decides by itself, about subjects of the incident only. Default none.',
          ),
        max_seconds: z
          .int()
          .min(60)
          .max(30 * DAY)
          .default(DAY)
          .describe(
            'A proposal for longer is refused; also how long one without a time holds. Default a day.',
          ),
      })
      .prefault({})
      .describe('What agents may propose on subjects in the evidence of the incident that they were given.'),
    max_per_incident: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe(
        'Answers of one incident at most; then no further one is given, which the incident says. Default 100.',
      ),
  })
  .prefault({})
  .describe('Limits of answers to incidents, whoever asks for them.')

export type AnswersPolicy = z.output<typeof answersPolicyConfig>
