import { z } from 'zod'
import { secretReference } from '../../runtime/secret.js'
import { httpUrl } from '../../runtime/url.js'
import { jsonTemplate, pathTemplate } from './template.js'

const baseUrl = httpUrl
  .refine((text) => {
    const url = URL.canParse(text) ? new URL(text) : undefined
    return url?.username === '' && url.password === '' && url.search === '' && url.hash === ''
  }, 'must hold no credentials, query or fragment')
  .transform((url) => url.replace(/\/+$/, ''))

const common = {
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,62}$/)
    .describe(
      'Names the tracker on incidents, in logs, in playbooks and in the address of its webhooks, /webhooks/{name}.',
    ),
  base_url: baseUrl.describe('Where its API is. Must resolve to a public address or one in outbound.allow.'),
  token: secretReference.describe('Its access token: env:NAME, file:PATH or exec:[…].'),
  webhook_secrets: z
    .array(secretReference)
    .max(8)
    .default([])
    .describe(
      'Keys of the HMAC-SHA256 that its webhooks carry; several while one is replaced by another. Default none: then ' +
        'its webhooks are refused.',
    ),
  webhook_max_age_seconds: z
    .number()
    .int()
    .min(10)
    .max(86_400)
    .default(300)
    .describe(
      'A webhook whose signed time differs more from ours is refused. One that comes again meanwhile is known.',
    ),
  bot: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe(
      "The tracker's id (GitHub: login) of the account whose token this is; its changes are ignored when they come back. " +
        'Default: learnt from the first issue that is filed.',
    ),
  timeout_seconds: z
    .number()
    .positive()
    .max(120)
    .default(15)
    .describe(
      'For one request, connecting included. What takes longer has an unknown outcome and is looked up.',
    ),
}

const lag = (fallback: number) =>
  z
    .number()
    .min(0)
    .max(600)
    .default(fallback)
    .describe(
      'How long after a write its reads may not show it yet. After an unknown outcome nothing is filed again before this ' +
        'has passed and two reads agree; an issue that shows up later still is filed twice.',
    )

const uuid = z.uuid().transform((id) => id.toLowerCase())

const openprConfig = z.strictObject({
  ...common,
  type: z.literal('openpr'),
  project: uuid.describe('Id of the project in which issues are filed.'),
  transport: z
    .enum(['rest', 'mcp'])
    .default('rest')
    .describe(
      'rest: the API below base_url. mcp: the tools of its MCP server, of which base_url is the address.',
    ),
  mcp_path: pathTemplate.default('/mcp/rpc').describe('Where the MCP server takes JSON-RPC.'),
  workspace: uuid
    .optional()
    .describe('Id of the workspace; with it issues are linked to their page, else to the API.'),
  web_url: baseUrl.optional().describe('Where its pages are. Default base_url.'),
  labels: z
    .array(z.string().min(1).max(100))
    .max(20)
    .default([])
    .describe(
      'Names of labels of the project that each issue gets. One that does not exist is logged and left out.',
    ),
  assignee: uuid.optional().describe('Id of a member or bot to whom each issue is assigned.'),
  bots: z
    .array(z.strictObject({ id: uuid, token: secretReference }))
    .max(50)
    .default([])
    .describe(
      'Bots whose AI tasks our agents do, with the token of each: OpenPR lets nobody but the bot say how its task goes. With ' +
        'transport rest only.',
    ),
  states: z
    .strictObject({
      open: z.string().min(1).max(64).default('todo'),
      triaged: z.string().min(1).max(64).default('todo'),
      in_progress: z.string().min(1).max(64).default('in_progress'),
      resolved: z.string().min(1).max(64).default('done'),
      false_positive: z.string().min(1).max(64).default('done'),
    })
    .prefault({})
    .describe("State of the project's workflow for each state of an incident."),
  lag_seconds: lag(5),
})

const githubConfig = z.strictObject({
  ...common,
  base_url: baseUrl
    .default('https://api.github.com')
    .describe('Where its API is; https://HOST/api/v3 for a server of your own.'),
  type: z.literal('github'),
  project: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/[A-Za-z0-9._-]{1,100}$/, 'must be OWNER/REPOSITORY')
    .describe('The repository, OWNER/NAME.'),
  labels: z.array(z.string().min(1).max(50)).max(20).default([]).describe('Labels that each issue gets.'),
  assignees: z
    .array(z.string().min(1).max(39))
    .max(10)
    .default([])
    .describe('Logins to whom each issue is assigned.'),
  lag_seconds: lag(60),
})

const method = z.enum(['POST', 'PUT', 'PATCH'])
const pointer = z
  .string()
  .regex(/^(\/[^/]{1,100}){0,10}$/, 'must be a JSON pointer such as /data/id')
  .describe('JSON pointer into the answer.')

const read = z.strictObject({
  path: pathTemplate.describe('Path and query; fields are percent-encoded.'),
  items: pointer.default('').describe('Where the list is in the answer. Default: the answer is the list.'),
  text: pointer.describe('Where the text that must hold the marker is in an item.'),
})

const issueFields = {
  id: pointer.default('/id'),
  key: pointer.optional().describe('Where the issue has its readable key. Default: its id.'),
  url: pointer.optional().describe("Where the issue has its page's address. Default: base_url."),
}

const templated = {
  ...common,
  authorization: z
    .strictObject({
      header: z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/)
        .default('Authorization'),
      scheme: z
        .string()
        .regex(/^[A-Za-z0-9._-]{0,32}$/)
        .default('Bearer')
        .describe('Stands before the token; may be empty.'),
    })
    .prefault({})
    .describe('The header in which the token goes.'),
  states: z
    .strictObject({
      open: z.string().max(64).default('open'),
      triaged: z.string().max(64).default('open'),
      in_progress: z.string().max(64).default('in_progress'),
      resolved: z.string().max(64).default('done'),
      false_positive: z.string().max(64).default('done'),
    })
    .prefault({})
    .describe('What {{state}} is for each state of an incident.'),
  severities: z
    .strictObject({
      info: z.string().max(64).default('low'),
      low: z.string().max(64).default('low'),
      medium: z.string().max(64).default('medium'),
      high: z.string().max(64).default('high'),
      critical: z.string().max(64).default('critical'),
    })
    .prefault({})
    .describe('What {{severity}} is for each severity.'),
  find: read
    .extend({ ...issueFields })
    .optional()
    .describe(
      'How an issue is found by {{marker}}. Default none: then issues are filed at least once, twice after some failures.',
    ),
  comment: z
    .strictObject({ method: method.default('POST'), path: pathTemplate, body: jsonTemplate })
    .optional()
    .describe('How {{text}} becomes a comment. Default none: no comments are sent.'),
  comments: read.optional().describe('How comments are read. Default none: comments are sent at least once.'),
  state: z
    .strictObject({ method: method.default('PATCH'), path: pathTemplate, body: jsonTemplate })
    .optional()
    .describe('How an issue gets {{state}}. Default none: states are not sent.'),
  lag_seconds: lag(30),
}

const httpConfig = z.strictObject({
  ...templated,
  type: z.literal('http'),
  project: z.string().max(200).default('').describe('What {{project}} is.'),
  create: z
    .strictObject({ method: method.default('POST'), path: pathTemplate, body: jsonTemplate, ...issueFields })
    .describe('How an issue is filed.'),
})

const teamboardConfig = z.strictObject({
  ...templated,
  type: z.literal('teamboard'),
  base_url: baseUrl.describe('Address of the tasks service, port 8002 by default.'),
  project: z.string().min(1).max(200).describe('Id of the project in which tasks are made.'),
  create: z
    .strictObject({
      method: method.default('POST'),
      path: pathTemplate.default('/tasks/'),
      body: jsonTemplate.default({
        title: '{{title}}',
        description: '{{body}}',
        project_id: '{{project}}',
        priority: '{{severity}}',
      }),
      ...issueFields,
    })
    .prefault({})
    .describe('How a task is made; the service does not document its routes.'),
})

const trackerConfig = z
  .discriminatedUnion('type', [openprConfig, teamboardConfig, githubConfig, httpConfig])
  .superRefine((tracker, context) => {
    if (tracker.type === 'openpr' && tracker.transport === 'mcp' && tracker.bots.length > 0)
      context.addIssue({
        code: 'custom',
        message: 'AI tasks are told of over the REST interface, which base_url is not with transport mcp',
        path: ['bots'],
      })
  })

export type OpenPrConfig = z.output<typeof openprConfig>
export type GitHubConfig = z.output<typeof githubConfig>
export type TeamBoardConfig = z.output<typeof teamboardConfig>
export type HttpTrackerConfig = z.output<typeof httpConfig>
export type TrackerConfig = z.output<typeof trackerConfig>

/** `trackers:` in the configuration. */
export const trackersConfig = z
  .array(trackerConfig)
  .max(50)
  .default([])
  .refine(
    (trackers) => new Set(trackers.map((tracker) => tracker.name)).size === trackers.length,
    'two trackers have the same name',
  )
  .describe('Where incidents are filed as issues. Default none.')

/** What of `trackers` refers to other parts of the configuration. @returns problems with their paths */
export const trackerReferences = ({
  trackers,
  incidents,
}: {
  readonly trackers: readonly TrackerConfig[]
  readonly incidents: { readonly listen?: string | undefined }
}): readonly { readonly path: (string | number)[]; readonly message: string }[] =>
  trackers.flatMap(({ name, webhook_secrets }, at) =>
    webhook_secrets.length > 0 && incidents.listen === undefined
      ? [
          {
            path: ['trackers', at, 'webhook_secrets'],
            message: `the webhooks of ${name} come to incidents.listen, which is not set`,
          },
        ]
      : [],
  )
