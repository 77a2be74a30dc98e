import { z } from 'zod'
import { secretReference } from '../../runtime/secret.js'
import { httpUrl, redisUrl, webSocketUrl } from '../../runtime/url.js'
import { MAX_ATTEMPTS } from './run.js'

const shared = {
  id: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,62}$/)
    .describe('Names the agent in playbooks, logs, metrics and ledger entries.'),
  name: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe('Name of its bot in trackers, compared without case; the id always counts.'),
  enabled: z
    .boolean()
    .default(true)
    .describe('A disabled agent gets nothing; what asks for it fails, and the incident says so.'),
  max_concurrent: z.number().int().min(1).max(100).default(1).describe('Runs at a time; more wait in order.'),
  deadline_seconds: z
    .number()
    .int()
    .min(10)
    .max(86_400)
    .default(900)
    .describe('For a result, from the handing over; without one the incident is escalated.'),
  max_attempts: z
    .number()
    .int()
    .min(1)
    .max(MAX_ATTEMPTS)
    .default(MAX_ATTEMPTS)
    .describe('Runs for one request when results say failed; then the incident is escalated.'),
  timeout_seconds: z.number().positive().max(60).default(15).describe('For one call, connecting included.'),
}

const token = secretReference.describe('Bearer token: env:NAME, file:PATH or exec:[…].')

const pollSeconds = (usual: number) =>
  z
    .number()
    .positive()
    .max(3600)
    .default(usual)
    .describe(`Between two looks for the result. Default ${usual}.`)

const openclaw = z.strictObject({
  ...shared,
  type: z.literal('openclaw'),
  url: httpUrl.describe('Base of the hooks, e.g. http://127.0.0.1:18789/hooks.'),
  token,
  hook: z
    .enum(['agent', 'wake'])
    .default('agent')
    .describe(
      'agent: hand the task over in a turn of its own; wake: tell the main session only that a task can be fetched.',
    ),
  agent_id: z
    .string()
    .min(1)
    .max(100)
    .optional()
    .describe("OpenClaw's agentId; its default agent without it."),
  session_key: z
    .string()
    .regex(/^[A-Za-z0-9_:.-]{1,100}$/)
    .optional()
    .describe(
      'Refused by OpenClaw unless hooks.allowRequestSessionKey is set there; leave it out otherwise.',
    ),
  wake_mode: z.enum(['now', 'next-heartbeat']).default('now'),
  model: z.string().min(1).max(200).optional(),
  thinking: z.string().min(1).max(50).optional(),
})

const teamboard = z.strictObject({
  ...shared,
  type: z.literal('teamboard'),
  url: httpUrl.describe('Base of the agents service, e.g. http://board:8003.'),
  token: token.optional(),
  agent_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,100}$/)
    .describe('Its id on the Team Board.'),
  tracker: z
    .string()
    .optional()
    .describe('The tracker whose task is assigned; without it, or before it is filed, the id of the run.'),
})

const openpr = z.strictObject({
  ...shared,
  type: z.literal('openpr'),
  url: httpUrl.describe('Base of OpenPR, without /api.'),
  token: token.describe('Token of an admin or owner of the project; nobody else may make AI tasks.'),
  project: z.uuid().describe('Project in which the AI task is made.'),
  participant: z.uuid().describe('ai_participant_id of the bot that works on it.'),
  participant_token: secretReference
    .optional()
    .describe(
      'Token of that bot: OpenPR lets nobody else complete or fail its task. Without it a task whose result was posted to ' +
        'us stays there as the bot leaves it.',
    ),
  // Each look reads tasks with all that they were given.
  poll_seconds: pollSeconds(30),
  tracker: z.string().optional().describe('The tracker whose issue the task is about.'),
})

const redisKey = z.string().regex(/^[A-Za-z0-9_:.-]{1,100}$/)

const hub = z.strictObject({
  ...shared,
  type: z.literal('hub'),
  url: redisUrl.describe('redis:// or rediss:// of the hub, without credentials.'),
  user: z.string().min(1).max(100).optional().describe('Redis user.'),
  token: secretReference.optional().describe('Redis password: env:NAME, file:PATH or exec:[…].'),
  agent_id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,100}$/)
    .describe('Its id in agent:{id}:input.'),
  channel: z
    .string()
    .regex(/^[a-z0-9_-]{1,50}$/)
    .default('portcullis')
    .describe("Value of channel in messages; the hub's integrations must not know it."),
  tap: z
    .boolean()
    .default(false)
    .describe(
      'Records each message on the channels of the agent in the ledger: a signed action with its hash.',
    ),
  tap_queues: z
    .array(z.strictObject({ from: redisKey, to: redisKey }))
    .max(10)
    .refine(
      (queues) => new Set(queues.map(({ from }) => from)).size === queues.length,
      'the same list is named twice as from',
    )
    .refine(
      (queues) => !queues.some(({ to }) => queues.some(({ from }) => from === to)),
      'a list is named as from and as to: its messages would be taken and recorded again',
    )
    .default([])
    .describe(
      'Lists of the hub, such as history_queue and token_usage_queue, whose messages are recorded in the ledger on their way: ' +
        'each is taken from `from` and put into `to`, which the hub’s worker then has to read. Default none.',
    ),
})

const openmcp = z.strictObject({
  ...shared,
  type: z.literal('openmcp'),
  url: httpUrl.describe('Base of OpenMCP-Chain, e.g. http://127.0.0.1:8080.'),
  token: token.optional(),
  poll_seconds: pollSeconds(5),
})

const openprx = z.strictObject({
  ...shared,
  type: z.literal('openprx'),
  url: httpUrl.describe('Base of the Signal service that PRX listens on, e.g. http://127.0.0.1:8686.'),
  token: token.optional(),
  account: z
    .string()
    .regex(/^[A-Za-z0-9+_.:@-]{1,100}$/)
    .describe('Account that the message is sent from.'),
  target: z.string().min(1).max(200).describe('Who gets the message: the account that PRX listens on.'),
})

const webhook = z.strictObject({
  ...shared,
  type: z.literal('webhook'),
  url: httpUrl.describe('Receives a signed POST for each run.'),
  token: token.optional(),
  secret: secretReference.describe(
    'Key of the HMAC-SHA256 in X-Webhook-Signature and X-Portcullis-Signature.',
  ),
})

const tunnel = z.strictObject({
  ...shared,
  type: z.literal('tunnel'),
  token: token.describe(
    'What the agent presents when it connects to /v1/agent-tunnel: its own, nobody else’s.',
  ),
  secret: secretReference.describe('Key of the HMAC of its messages, its own too.'),
})

const command = z.strictObject({
  ...shared,
  type: z.literal('command'),
  preset: z
    .enum(['codex', 'claude-code', 'opencode'])
    .optional()
    .describe(
      'How a known agent is started without anybody at its terminal; nothing that it asks approval for is granted.',
    ),
  command: z
    .array(z.string().min(1).max(1000))
    .min(1)
    .max(64)
    .optional()
    .describe(
      'Program with its arguments, started without a shell; the task comes on standard input as JSON.',
    ),
  run_as: z
    .strictObject({
      uid: z.number().int().min(1).max(4_294_967_293),
      gid: z.number().int().min(1).max(4_294_967_293),
    })
    .optional()
    .describe('User and group that the program runs as; needs a role that runs as root.'),
  sandbox: z
    .literal('bubblewrap')
    .optional()
    .describe('Runs the program in a bubblewrap sandbox without our data folder.'),
  network: z.boolean().default(false).describe('Whether a program in the sandbox reaches the network.'),
  read_only: z
    .array(z.string().regex(/^\/[^\0]*$/))
    .max(32)
    .default([])
    .describe('Further paths that a program in the sandbox may read, e.g. where it is installed.'),
  environment: z
    .record(z.string().regex(/^[A-Z_][A-Z0-9_]{0,63}$/), secretReference)
    .default({})
    .describe('Variables that the program gets besides PATH, HOME, LANG and TMPDIR, e.g. its API key.'),
  max_output_bytes: z
    .number()
    .int()
    .min(1024)
    .max(1024 * 1024)
    .default(64 * 1024)
    .describe('A program that writes more is killed and its run has failed.'),
})

const agent = z
  .discriminatedUnion('type', [openclaw, teamboard, openpr, openprx, hub, openmcp, webhook, tunnel, command])
  .superRefine((value, context) => {
    if (value.type !== 'command') return
    if ((value.preset === undefined) === (value.command === undefined))
      context.addIssue({
        code: 'custom',
        message: 'a command agent has either a preset or a command',
        path: ['command'],
      })
    if (value.run_as === undefined && value.sandbox === undefined)
      context.addIssue({
        code: 'custom',
        message:
          'a command agent runs as another user (run_as) or in a sandbox; with neither it is not started',
        path: ['run_as'],
      })
  })

/** `agents:` in the configuration. */
export const agentsConfig = z
  .array(agent)
  .default([])
  .superRefine((agents, context) => {
    const seen = new Set<string>()
    for (const [at, { id }] of agents.entries()) {
      if (seen.has(id))
        context.addIssue({ code: 'custom', message: `a second agent ${id}`, path: [at, 'id'] })
      seen.add(id)
    }
  })
  .describe('Agents that incidents are dispatched to. Default none.')

export type AgentConfig = z.output<typeof agent>
export type AgentConfigOf<T extends AgentConfig['type']> = Extract<AgentConfig, { readonly type: T }>

/** `control_plane:` in the configuration. */
export const controlPlaneConfig = z
  .strictObject({
    url: webSocketUrl.describe('Its tunnel, e.g. wss://openpr.example.com/api/v1/agent-tunnel.'),
    agent_id: z.string().min(1).max(100).describe('As whom we connect.'),
    token,
    secret: secretReference.describe('Key of the HMAC of messages, both ways.'),
    agent: z.string().describe('The agent of ours, of type command, that works on its tasks.'),
    heartbeat_seconds: z
      .number()
      .min(3)
      .max(300)
      .default(20)
      .describe(
        'How often we say that we live; a control plane from which nothing comes for three of them is connected to anew. Default 20.',
      ),
  })
  .optional()
  .describe(
    'A control plane elsewhere whose tasks our agents work on, over a tunnel that we open. Default none.',
  )

export type ControlPlaneConfig = NonNullable<z.output<typeof controlPlaneConfig>>

/** Kinds that are told an address of ours to which they post what they found. */
const GIVEN_AN_ADDRESS: ReadonlySet<AgentConfig['type']> = new Set([
  'openclaw',
  'teamboard',
  'openpr',
  'openprx',
  'webhook',
])
/** Listens on every address, and names none that somebody else could reach. */
const WILDCARD = /^(?:\[[0:.]+\]|[0.]+):\d+$/

/** Listens on this machine only. */
const LOOPBACK = /^(?:\[::1\]|127\.[\d.]+|localhost)$/i

/** @param place `HOST:PORT` or a URL */
const isHere = (place: string): boolean =>
  LOOPBACK.test(new URL(place.includes('://') ? place : `http://${place}`).hostname)

/** What of `agents` and `control_plane` refers to other parts of the configuration. @returns problems with their paths */
export function agentReferences({
  agents,
  control_plane,
  trackers,
  incidents,
}: {
  readonly agents: readonly AgentConfig[]
  readonly control_plane?: ControlPlaneConfig | undefined
  readonly trackers: readonly { readonly name: string }[]
  readonly incidents: { readonly listen?: string | undefined; readonly public_url?: string | undefined }
}): readonly { readonly path: (string | number)[]; readonly message: string }[] {
  const { listen, public_url } = incidents
  const problems: { path: (string | number)[]; message: string }[] = []
  for (const [at, agent] of agents.entries()) {
    const posts = GIVEN_AN_ADDRESS.has(agent.type)
    if ((posts || agent.type === 'tunnel') && listen === undefined)
      problems.push({
        path: ['agents', at, 'type'],
        message: `an agent of type ${agent.type} sends its results to incidents.listen, which is not set`,
      })
    else if (posts && public_url === undefined && WILDCARD.test(listen ?? ''))
      problems.push({
        path: ['incidents', 'public_url'],
        message:
          `the agent ${agent.id} of type ${agent.type} cannot post its results to incidents.listen, ${listen}, which is ` +
          'every address of this machine and none that it could be told',
      })
    else if (
      posts &&
      public_url === undefined &&
      isHere(listen ?? '') &&
      'url' in agent &&
      !isHere(agent.url)
    )
      problems.push({
        path: ['incidents', 'public_url'],
        message:
          `the agent ${agent.id} of type ${agent.type} at ${new URL(agent.url).host} cannot post its results to ` +
          `incidents.listen, ${listen}, which only this machine reaches`,
      })
    if (
      'tracker' in agent &&
      agent.tracker !== undefined &&
      !trackers.some(({ name }) => name === agent.tracker)
    )
      problems.push({
        path: ['agents', at, 'tracker'],
        message: `there is no tracker ${JSON.stringify(agent.tracker)}`,
      })
  }
  const worker = control_plane && agents.find(({ id }) => id === control_plane.agent)
  if (control_plane && (worker?.type !== 'command' || !worker.enabled))
    problems.push({
      path: ['control_plane', 'agent'],
      message: `there is no enabled agent ${JSON.stringify(control_plane.agent)} of type command`,
    })
  return problems
}
