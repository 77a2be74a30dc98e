import { z } from 'zod'
import { json, jsonBody } from '../api/message.js'
import type { Route } from '../api/route.js'
import type { Core } from '../core.js'
import type { Playbooks } from './playbooks.js'

const wanted = z.strictObject({
  playbook: z.string().min(1).max(63),
  dry_run: z.boolean().default(false).describe('Only say on the incident what would be done.'),
})

/** Routes about playbooks. */
export const playbookRoutes = (core: Core, playbooks: Playbooks): readonly Route[] => [
  {
    method: 'POST',
    path: '/v1/incidents/{id}/playbooks',
    name: 'beginPlaybook',
    summary: 'Begin a playbook by hand; whoever does cannot approve what it asks for',
    access: 'token',
    body: wanted,
    answers: {
      202: {
        description: 'It has begun.',
        schema: z.strictObject({ playbook: z.string(), incident: z.string() }),
      },
    },
    problems: [400, 404, 409, 415],
    handle: async (request) => {
      const { playbook, dry_run } = jsonBody(request, wanted)
      const incident = request.path['id'] ?? ''
      await core.change(() => playbooks.begin(playbook, incident, request.actor ?? 'unknown', dry_run))
      return json(202, { playbook, incident })
    },
  },
]
