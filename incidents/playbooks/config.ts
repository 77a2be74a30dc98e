import { z } from 'zod'
import { patchOptions } from '../answers/action.js'

const name = z.string().regex(/^[a-z][a-z0-9_-]{0,62}$/)
const severity = z.enum(['info', 'low', 'medium', 'high', 'critical'])

const seconds = (value: number) =>
  z
    .int()
    .min(60)
    .max(31_536_000)
    .default(value)
    .describe(
      `How long it holds; the role that carries it out may have a shorter limit. Seconds; default ${value}.`,
    )

const approval = (value: boolean) =>
  z.boolean().default(value).describe(`Whether a person has to say yes first. Default ${value}.`)

const action = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('ban_client'),
    seconds: seconds(3600),
    prefix_v4: z
      .int()
      .min(24)
      .max(32)
      .default(32)
      .describe('Bits of an IPv4 ban: 24 to 32. Default 32, one address.'),
    prefix_v6: z
      .int()
      .min(64)
      .max(128)
      .default(64)
      .describe('Bits of an IPv6 ban: 64 to 128. Default 64, what one subscriber has.'),
    approval: approval(false),
  }),
  z.strictObject({ type: z.literal('block_url'), seconds: seconds(3600), approval: approval(true) }),
  z.strictObject({
    type: z.literal('virtual_patch'),
    seconds: seconds(86_400),
    ...patchOptions,
    approval: approval(false),
  }),
  z.strictObject({ type: z.literal('quarantine'), approval: approval(false) }),
  z.strictObject({ type: z.literal('delete'), approval: approval(true) }),
  z.strictObject({ type: z.literal('kill'), approval: approval(true) }),
  z.strictObject({ type: z.literal('block_hash'), seconds: seconds(2_592_000), approval: approval(false) }),
  z.strictObject({
    type: z.literal('run_command'),
    command: name.describe('One of `answers.commands`.'),
    approval: approval(true),
  }),
  z.strictObject({
    type: z.literal('file_issue'),
    trackers: z.array(z.string()).min(1).optional().describe('Names of trackers. Default all.'),
  }),
  z.strictObject({ type: z.literal('dispatch_agent'), agent: z.string().describe('Id of an agent.') }),
  z.strictObject({
    type: z.literal('notify'),
    channels: z.array(z.string()).min(1).optional().describe('Names of alert channels. Default all.'),
  }),
  z.strictObject({
    type: z.literal('wait_for'),
    what: z
      .enum(['run_completed', 'answered', 'resolved', 'time'])
      .describe(
        'run_completed: an agent is done. answered: no answer of this incident waits for a person any more. resolved: it is ' +
          'over. time: `timeout_seconds` have passed.',
      ),
    timeout_seconds: z.int().min(1).max(2_592_000).default(3600).describe('Waits no longer. Default 3600.'),
    else: z
      .enum(['continue', 'stop'])
      .default('continue')
      .describe('What happens when the time is over first. Default continue.'),
  }),
  z.strictObject({
    type: z.literal('escalate'),
    to: z.string().min(1).max(200).optional().describe('Who is given the incident. Default: nobody new.'),
    channels: z.array(z.string()).min(1).optional().describe('Alert channels that are told. Default all.'),
  }),
])

const match = z
  .strictObject({
    on: z
      .enum(['detected', 'run_completed', 'resolved'])
      .default('detected')
      .describe(
        'When it is looked at. detected: at each detection, until it has begun. run_completed: when an agent is done. ' +
          'resolved: when the incident is over. Default detected.',
      ),
    severity: severity.optional().describe('This or above. Default any.'),
    kinds: z
      .array(z.enum(['security.verdict', 'malformed_request', 'scan.verdict', 'operational']))
      .min(1)
      .optional()
      .describe('What was detected. Default any.'),
    sites: z.array(z.string()).min(1).optional().describe('Names of sites of the gateway. Default any.'),
    phases: z.array(z.string()).min(1).optional().describe('Phases, e.g. sql_injection. Default any.'),
    rules: z.array(z.int()).min(1).optional().describe('Ids of rules. Default any.'),
    count: z.int().min(1).optional().describe('Detections so far, at least. Default 1.'),
    subjects: z
      .array(z.enum(['client', 'url', 'rule', 'file']))
      .min(1)
      .optional()
      .describe('What the evidence must name, all of these. Default anything.'),
  })
  .prefault({})
  .describe('Every member that is there must be met. Default: every detection.')

const playbook = z.strictObject({
  name: name.describe('Names the playbook in records.'),
  match,
  dry_run: z
    .boolean()
    .default(false)
    .describe('Says on the incident what it would do, and does nothing. Default false.'),
  actions: z.array(action).min(1).max(50).describe('Done in this order.'),
})

/** `playbooks:` in the configuration. */
export const playbooksConfig = z
  .array(playbook)
  .max(200)
  .default([])
  .superRefine((playbooks, context) => {
    const seen = new Set<string>()
    for (const [at, { name: given }] of playbooks.entries()) {
      if (seen.has(given))
        context.addIssue({ code: 'custom', message: `a second playbook ${given}`, path: [at, 'name'] })
      seen.add(given)
    }
  })
  .describe(
    'What is done about incidents. Without any, incidents of severity high or above are filed in every tracker. Default none.',
  )

export type PlaybookConfig = z.output<typeof playbook>
export type PlaybookAction = PlaybookConfig['actions'][number]

/** What playbooks may name, for a check of the whole configuration. */
export interface PlaybookReferences {
  readonly playbooks: readonly PlaybookConfig[]
  readonly trackers: readonly { readonly name: string }[]
  readonly agents: readonly { readonly id: string }[]
  readonly alerts: readonly { readonly name: string }[]
  readonly answers: { readonly commands: readonly { readonly name: string }[] }
}

/** What playbooks name that the configuration does not have. */
export function playbookReferences(
  config: PlaybookReferences,
): { readonly path: (string | number)[]; readonly message: string }[] {
  const known = {
    trackers: new Set(config.trackers.map((tracker) => tracker.name)),
    agent: new Set(config.agents.map(({ id }) => id)),
    channels: new Set(config.alerts.map((alert) => alert.name)),
    command: new Set(config.answers.commands.map((command) => command.name)),
  }
  const problems: { path: (string | number)[]; message: string }[] = []
  for (const [at, { actions }] of config.playbooks.entries())
    for (const [step, given] of actions.entries())
      for (const [key, names] of Object.entries(known)) {
        const value: unknown = Object.entries(given).find(([member]) => member === key)?.[1]
        for (const one of Array.isArray(value) ? value : value === undefined ? [] : [value])
          if (!names.has(String(one)))
            problems.push({
              path: ['playbooks', at, 'actions', step, key],
              message: `there is no ${key.replace(/s$/, '')} ${String(one)} in the configuration`,
            })
      }
  return problems
}
