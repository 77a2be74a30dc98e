import type { PATCH_SHAPES } from '../../runtime/commands.js'
import type { Evidence, Subject } from '../incident.js'
import type { ActionType, AnswerAction } from './action.js'

/** How wide a ban is around the address in the evidence, and what a patch lets through. */
export interface AimOptions {
  /** Bits; 24 to 32, and 64 to 128. */
  readonly prefix_v4?: number
  readonly prefix_v6?: number
  readonly allow?: (typeof PATCH_SHAPES)[number]
  readonly max_length?: number
}

/** An exact action, and the text of the subject in the evidence that it is aimed at. */
export interface Aimed {
  readonly subject: string
  readonly action: AnswerAction
}

const MAX_PATCH_SAMPLE = 2000

/**
 * The exact actions of a type that evidence gives rise to. Everything that an answer does to somebody comes from here: a
 * subject that no event of the incident named cannot be aimed at.
 */
export function aim(type: ActionType, evidence: readonly Evidence[], options: AimOptions = {}): Aimed[] {
  if (type === 'virtual_patch') return evidence.flatMap((seen) => patchOf(seen, options))
  return evidence.flatMap(({ subjects }) => subjects.flatMap((subject) => actionOn(type, subject, options)))
}

function actionOn(type: ActionType, subject: Subject, options: AimOptions): Aimed[] {
  if (subject.type === 'client' && type === 'ban_client') {
    const address = networkOf(subject.address, options)
    return address === undefined ? [] : [{ subject: subject.address, action: { type, address } }]
  }
  if (subject.type === 'url' && type === 'block_url') {
    const { site, path } = subject
    return path.startsWith('/') ? [{ subject: path, action: { type, site, path } }] : []
  }
  if (subject.type !== 'file' || !/^[0-9a-f]{64}$/.test(subject.sha256)) return []
  const { path, path_base64, sha256, quarantine } = subject
  if (type === 'block_hash') return [{ subject: sha256, action: { type, sha256 } }]
  if (type !== 'quarantine' && type !== 'delete' && type !== 'kill') return []
  // It is in the vault already.
  if (quarantine !== undefined && type !== 'kill') return []
  return [{ subject: path, action: { type, path, ...(path_base64 && { path_base64 }), sha256 } }]
}

function patchOf({ subjects }: Evidence, { allow = 'word', max_length = 64 }: AimOptions): Aimed[] {
  const url = subjects.find((subject) => subject.type === 'url')
  const rule = subjects.find((subject) => subject.type === 'rule')
  const variable = rule?.variable ?? ''
  if (!url || !rule?.sample || !/^\/[A-Za-z0-9/._~-]{0,1000}$/.test(url.path)) return []
  if (
    !/^(?:ARGS|ARGS_GET|ARGS_POST|REQUEST_COOKIES|REQUEST_HEADERS):[A-Za-z0-9_.[\]-]{1,100}$/.test(variable)
  )
    return []
  const { site, path } = url
  const evidence = [rule.sample.slice(0, MAX_PATCH_SAMPLE)]
  return [
    { subject: path, action: { type: 'virtual_patch', site, path, variable, allow, max_length, evidence } },
  ]
}

/** An address as a network of the given width, in one form; undefined for what is no plain address. */
function networkOf(address: string, { prefix_v4 = 32, prefix_v6 = 64 }: AimOptions): string | undefined {
  if (/^\d{1,3}(?:\.\d{1,3}){3}$/.test(address)) {
    const word = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
    if (address.split('.').some((part) => Number(part) > 255)) return undefined
    const size = 2 ** (32 - Math.max(24, Math.min(32, prefix_v4)))
    const network = Math.floor(word / size) * size
    const text = [24, 16, 8, 0].map((shift) => Math.floor(network / 2 ** shift) % 256).join('.')
    return size === 1 ? text : `${text}/${32 - Math.log2(size)}`
  }
  const groups = ipv6Groups(address)
  if (!groups) return undefined
  const bits = Math.max(64, Math.min(128, prefix_v6))
  const masked = groups.map((group, i) => {
    const kept = Math.max(0, Math.min(16, bits - i * 16))
    return (group & (0xffff << (16 - kept)) & 0xffff).toString(16)
  })
  return bits === 128 ? masked.join(':') : `${masked.join(':')}/${bits}`
}

function ipv6Groups(address: string): readonly number[] | undefined {
  if (!address.includes(':') || !URL.canParse(`http://[${address}]/`)) return undefined
  // In the URL standard's own form: lower case, one `::` at most, no IPv4 at the end.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : 8 - left.length - right.length
  return [...left, ...Array<string>(zeros).fill('0'), ...right].map((group) => Number.parseInt(group, 16))
}
