import type { Command } from 'commander'

import type { Override } from '../runtime/config-source.js'
import type { Flags } from './context.js'

interface KeyFlag {
  /** As commander names its value. */
  readonly name: string
  readonly flag: string
  readonly path: readonly string[]
}

/** The flags that stand for keys of the configuration. */
const KEY_FLAGS: readonly KeyFlag[] = [
  { name: 'data', flag: '--data', path: ['data'] },
  { name: 'listen', flag: '--listen', path: ['gateway', 'listen'] },
  { name: 'upstream', flag: '--upstream', path: ['gateway', 'upstream'] },
  { name: 'listener', flag: '--listener', path: ['gateway', 'listener'] },
  { name: 'mode', flag: '--mode', path: ['detection', 'mode'] },
  { name: 'rules', flag: '--rules', path: ['detection', 'rules'] },
  { name: 'crs', flag: '--crs', path: ['detection', 'phases', 'owasp_crs', 'dir'] },
  { name: 'auditLog', flag: '--audit-log', path: ['gateway', 'audit_log', 'file'] },
  { name: 'auditMask', flag: '--audit-mask', path: ['gateway', 'audit_log', 'mask'] },
  { name: 'threads', flag: '--threads', path: ['gateway', 'threads'] },
  { name: 'watch', flag: '--watch', path: ['scanner', 'watch'] },
  { name: 'clamdSocket', flag: '--clamd-socket', path: ['scanner', 'clamd', 'socket'] },
  { name: 'icap', flag: '--icap', path: ['scanner', 'icap', 'listen'] },
  { name: 'scannerListen', flag: '--listen', path: ['scanner', 'http', 'listen'] },
  { name: 'admin', flag: '--admin', path: ['gateway', 'admin'] },
]

/** The flags that were given, as overrides of the configuration. */
export const flagOverrides = (flags: Flags): Override[] =>
  KEY_FLAGS.flatMap(({ name, flag, path }) => {
    const value = flags[name]
    return value === undefined ? [] : [{ origin: flag, path, value }]
  })

/** The same flags as arguments, for a process of the same command. `names` are as commander has them. */
export const flagArguments = (flags: Flags, names: readonly string[]): string[] =>
  names.flatMap((name) => {
    const value = flags[name]
    if (value === undefined) return []
    const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
    return (Array.isArray(value) ? value : [value]).flatMap((item) => [flag, String(item)])
  })

const wholeNumber = (text: string): number | string => (/^\d{1,9}$/.test(text) ? Number(text) : text)
/** A flag that may be given several times. */
export const collect = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  text,
]
/** Names separated by commas. */
export const names = (text: string, before: readonly string[] | undefined): readonly string[] => [
  ...(before ?? []),
  ...text.split(',').filter((name) => name !== ''),
]

/** Names of the flags that `servingFlags` adds, in commander's spelling. */
export const SERVING_FLAGS = [...KEY_FLAGS.map(({ name }) => name), 'config', 'phases'] as const

/** The flags of `up` and `gateway`. */
export const servingFlags = (command: Command): Command =>
  command
    .option('--config <file>', 'configuration file (YAML)')
    .option('--listen <host:port>', 'where clients connect (127.0.0.1:8080)')
    .option('--upstream <url>', 'the service behind the gateway')
    .option('--listener <name>', 'strict, node, uws or auto: the first one that delivers every byte (auto)')
    .option('--mode <mode>', 'block, or detect: record what would have been refused (block)')
    .option('--phases <names>', 'run only these phases, separated by commas', names)
    .option('--rules <file>', 'SecLang rules, loaded after our base settings (repeatable)', collect)
    .option('--crs <dir>', 'folder of a Core Rule Set release, loaded as phase owasp_crs')
    .option('--audit-log <file>', 'one JSON object per transaction that was not a plain allow')
    .option('--audit-mask <what>', 'secrets, or none: write samples as they came (secrets)')
    .option('--data <dir>', 'folder of all state (./data)')
    .option(
      '--threads <n>',
      'threads that serve requests (1; more need strict with Node 22.12, or uws)',
      wholeNumber,
    )
    .option('--admin <host:port>', 'GET /health, /ready and /metrics (127.0.0.1:9090)')
