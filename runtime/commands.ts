import { z } from 'zod'

/**
 * What a role is told to do as the answer to an incident. Commands go through the outbox, one topic for each role that
 * carries them out (`commands.gateway`, `commands.scanner`), so they outlive a restart of either end. A role applies a
 * command once, however often it is delivered (by `id`), records it in the ledger and publishes what came of it as a
 * `command.*` event (`events.ts`). It checks each command again by its own limits: a command asks, the role decides.
 */

const uuid = z.string().regex(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const siteName = z.string().min(1).max(63)

/** A file as the scanner saw it. The digest is what was judged: a file that has changed since is left alone. */
const file = {
  /** For people; bytes that are no UTF-8 are replaced. */
  path: z.string().min(1).max(16_384),
  /** The exact bytes of the path, when `path` cannot say them. */
  path_base64: z.base64().max(22_000).exactOptional(),
  sha256,
}

/** Values that a virtual patch lets through, from the narrowest: `text` has letters, digits, spaces and `. , _ -`. */
export const PATCH_SHAPES = ['integer', 'number', 'uuid', 'date', 'word', 'text'] as const

const gatewayActions = [
  /** Refuses every request of a network. IPv4 at least /24, IPv6 at least /64; a bare address is one client. */
  z.strictObject({ type: z.literal('ban_client'), address: z.string().min(2).max(49) }),
  /** Refuses a path of one site, in whichever way it is encoded. */
  z.strictObject({
    type: z.literal('block_url'),
    site: siteName,
    path: z.string().startsWith('/').max(2048),
  }),
  /**
   * Lets only harmless values of one parameter through on one path. The gateway makes a SecLang rule of it, which must
   * refuse the evidence and let clean requests pass before it serves.
   */
  z.strictObject({
    type: z.literal('virtual_patch'),
    site: siteName,
    /** Without what would have to be quoted in a rule: such a path is for `block_url`. */
    path: z.string().regex(/^\/[A-Za-z0-9/._~-]{0,1000}$/),
    /** `ARGS:id`, `REQUEST_COOKIES:cart`, `REQUEST_HEADERS:x-tenant`. */
    variable: z
      .string()
      .regex(/^(?:ARGS|ARGS_GET|ARGS_POST|REQUEST_COOKIES|REQUEST_HEADERS):[A-Za-z0-9_.[\]-]{1,100}$/),
    /** What a harmless value is made of. */
    allow: z.enum(PATCH_SHAPES),
    max_length: z.int().min(1).max(4096),
    /** Values that were seen in attacks. */
    evidence: z.array(z.string().max(2000)).min(1).max(10),
  }),
] as const

const scannerActions = [
  z.strictObject({ type: z.literal('quarantine'), ...file }),
  z.strictObject({ type: z.literal('delete'), ...file }),
  /** Ends the processes that run or hold the file. */
  z.strictObject({ type: z.literal('kill'), ...file }),
  /** Any file with this digest is malicious from now on; suspicious, when no person has decided so. */
  z.strictObject({ type: z.literal('block_hash'), sha256 }),
  /** Puts an item of the vault back in its place. */
  z.strictObject({ type: z.literal('restore'), item: uuid }),
] as const

/** Undoes what an earlier command did, as far as that can be undone; a kill cannot. */
const revoke = z.strictObject({ type: z.literal('revoke'), command: uuid })

const commandOf = <Action extends z.ZodType>(action: Action) =>
  z.strictObject({
    /** UUIDv7. The same command has the same id. */
    id: uuid,
    /** Milliseconds since the Unix epoch. */
    time: z.int().nonnegative(),
    /** The incident that it answers; undefined for one that a person gave without any. */
    incident: uuid.optional(),
    /** Who decided: `playbook:NAME`, `person:NAME`, `policy`. */
    by: z.string().min(1).max(200),
    action,
    /** Milliseconds since the Unix epoch; the role undoes it then by itself. */
    expires: z.int().nonnegative().optional(),
    /** Everything is checked and reported, nothing is done. */
    dry_run: z.boolean(),
  })

export const gatewayCommand = commandOf(z.discriminatedUnion('type', [...gatewayActions, revoke]))
export const scannerCommand = commandOf(z.discriminatedUnion('type', [...scannerActions, revoke]))

export type GatewayCommand = z.output<typeof gatewayCommand>
export type ScannerCommand = z.output<typeof scannerCommand>
export type Command = GatewayCommand | ScannerCommand
export type CommandRole = 'gateway' | 'scanner'

const SCHEMAS = { gateway: gatewayCommand, scanner: scannerCommand }
const GATEWAY_TYPES: ReadonlySet<string> = new Set(gatewayActions.map(({ shape }) => shape.type.value))

/** Which role carries an action out; a `revoke` goes where its command went. */
export const roleOf = (type: Exclude<Command['action']['type'], 'revoke'>): CommandRole =>
  GATEWAY_TYPES.has(type) ? 'gateway' : 'scanner'

export const encodeCommand = (command: Command): Uint8Array => Buffer.from(JSON.stringify(command))

/**
 * Reads an item of a command topic.
 *
 * @throws ZodError or SyntaxError for anything that is no command of that role; the reader says so and goes on
 */
export const parseCommand = <Role extends CommandRole>(
  role: Role,
  bytes: Uint8Array,
): z.output<(typeof SCHEMAS)[Role]> =>
  SCHEMAS[role].parse(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))) as z.output<
    (typeof SCHEMAS)[Role]
  >
