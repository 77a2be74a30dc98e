import { parseNetwork } from '../../detectors/ip-address.js'
import type { PhaseReport } from '../../detectors/modes.js'
import { blockedPath } from '../../detectors/phases/url-block.js'
import { requestPath } from '../../detectors/request-path.js'
import type { Mode, PhaseName } from '../../detectors/verdict.js'
import type { GatewayCommand } from '../../runtime/commands.js'
import type { Answer, AnswerAction, AnswerRefusal } from './answer.js'
import type { AnswersConfig } from './config.js'
import type { NeverBan } from './never-ban.js'
import { tryPatch } from './virtual-patch.js'

/** Widest networks that one command may ban: one IPv4 /24, one IPv6 /64. */
export const WIDEST_BAN = { 4: 24, 6: 64 } as const

export interface AdmissionRules {
  readonly config: AnswersConfig
  readonly neverBan: NeverBan
  /** The mode that each phase runs in, by site. */
  readonly modes: Readonly<Record<string, readonly PhaseReport[]>>
}

/** An answer that may hold, and in which mode its phase runs: in `detect` it only records. */
export interface Admitted {
  readonly answer: Answer
  readonly mode: Mode
}

/**
 * Whether this gateway carries a command out: the gateway's own word, whoever asked for it.
 *
 * @param held the answers that hold already
 */
export const admit = (
  command: GatewayCommand & { readonly action: AnswerAction },
  held: readonly Answer[],
  now: number,
  rules: AdmissionRules,
): Admitted | AnswerRefusal => {
  const { action } = command
  const latest = command.time + rules.config.max_seconds * 1000
  const expires = Math.min(command.expires ?? latest, latest)
  if (expires <= now) return refuse('ANSWER_EXPIRED', 'its time was over before it could be carried out')
  const { type, max, phase } = kindOf(action, rules.config)
  const count = held.filter((answer) => answer.action.type === type).length
  if (count >= max)
    return refuse('ANSWER_LIMIT', `${count} of these hold already, and no more than ${max} may`)
  const mode = modeOf(phase, 'site' in action ? action.site : undefined, rules.modes)
  if (mode === undefined) return refuse('ANSWER_SITE', 'this gateway has no such site')
  if (mode === 'off') return refuse('ANSWER_PHASE_OFF', `phase ${phase} is off, nothing would come of it`)
  const checked = check(action, rules)
  if ('code' in checked) return checked
  return {
    mode,
    answer: {
      command: command.id,
      ...(command.incident === undefined ? {} : { incident: command.incident }),
      by: command.by,
      action: checked,
      since: now,
      expires,
      ...(type === 'virtual_patch' ? { slot: freeSlot(held) } : {}),
    },
  }
}

const refuse = (code: AnswerRefusal['code'], reason: string): AnswerRefusal => ({ code, reason })

/** The action as it is kept, or why it may not be. */
const check = (action: AnswerAction, rules: AdmissionRules): AnswerAction | AnswerRefusal => {
  switch (action.type) {
    case 'ban_client':
      return checkBan(action.address, rules.neverBan) ?? action
    case 'block_url': {
      const path = blockedPath(requestPath(Buffer.from(action.path).toString('latin1')).normal)
      return path === '/' ? refuse('ANSWER_PATH', 'it would block the front page') : { ...action, path }
    }
    case 'virtual_patch':
      return tryPatch(action) ?? action
  }
}

/** Why a network may not be banned. Asked again at each start: the configuration may have changed since. */
export const checkBan = (text: string, neverBan: NeverBan): AnswerRefusal | undefined => {
  const network = parseNetwork(text)
  if (network === undefined) return refuse('ANSWER_ADDRESS', 'it is neither an address nor a CIDR network')
  if (network.hostBits) return refuse('ANSWER_ADDRESS', 'it has bits set after its prefix')
  const widest = WIDEST_BAN[network.address.family]
  if (network.bits < widest)
    return refuse('ANSWER_TOO_WIDE', `/${network.bits} is wider than a ban may be, which is /${widest}`)
  const objection = neverBan.objection(network)
  return objection === undefined ? undefined : refuse('ANSWER_NEVER_BAN', `it ${objection}`)
}

const kindOf = (
  { type }: AnswerAction,
  config: AnswersConfig,
): { readonly type: AnswerAction['type']; readonly max: number; readonly phase: PhaseName } => {
  switch (type) {
    case 'ban_client':
      return { type, max: config.max_bans, phase: 'ip_block' }
    case 'block_url':
      return { type, max: config.max_urls, phase: 'url_block' }
    case 'virtual_patch':
      return { type, max: config.max_patches, phase: 'custom_rules' }
  }
}

/** The strongest mode of a phase on one site, or on any; undefined for a site that there is not. */
const modeOf = (
  phase: PhaseName,
  site: string | undefined,
  modes: AdmissionRules['modes'],
): Mode | undefined => {
  const reports = site === undefined ? Object.values(modes).flat() : modes[site]
  if (reports === undefined) return undefined
  const found = reports.filter((report) => report.phase === phase).map(({ mode }) => mode)
  return found.includes('block') ? 'block' : found.includes('detect') ? 'detect' : 'off'
}

const freeSlot = (held: readonly Answer[]): number => {
  const taken = new Set(held.map(({ slot }) => slot))
  let slot = 0
  while (taken.has(slot)) slot++
  return slot
}
