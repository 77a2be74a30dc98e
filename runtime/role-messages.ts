import { z } from 'zod'

/** From a role to its supervisor. */
const roleMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready'), info: z.record(z.string(), z.unknown()).default({}) }),
  z.object({ type: z.literal('failed'), code: z.string().optional(), message: z.string() }),
  z.object({
    type: z.literal('report'),
    id: z.int(),
    /** Readiness checks that fail, with their reasons. */
    problems: z.record(z.string(), z.string()),
    metrics: z.string().optional(),
  }),
])

/** From a supervisor to a role. */
const order = z.object({ type: z.literal('report'), id: z.int(), metrics: z.boolean() })

export type RoleMessage = z.input<typeof roleMessage>
export type RoleReport = Extract<z.output<typeof roleMessage>, { type: 'report' }>
export type Order = z.output<typeof order>

/** Reads a message of a role; undefined for anything else, which other code of the process may have sent. */
export const parseRoleMessage = (message: unknown): z.output<typeof roleMessage> | undefined =>
  roleMessage.safeParse(message).data

export const parseOrder = (message: unknown): Order | undefined => order.safeParse(message).data
