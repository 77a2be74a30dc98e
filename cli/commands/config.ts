import type { Command } from 'commander'
import { Document, isMap, isScalar, isSeq } from 'yaml'
import { z } from 'zod'

import { redact } from '../../runtime/config-redaction.js'
import type { Origins } from '../../runtime/config-source.js'
import type { KeyPath } from '../../runtime/config-tree.js'
import { configSchema } from '../config.js'
import type { CliContext, Flags } from '../context.js'

/** `portcullis config check|print|schema` */
export const registerConfig = (program: Command, context: CliContext): void => {
  const config = program.command('config').description('check, print and describe the configuration')

  const verb = (name: string, description: string): Command =>
    config
      .command(name)
      .description(description)
      .option('--config <file>', 'configuration file (YAML)')
      .option('--data <dir>', 'data folder')

  verb('check', 'say whether the configuration is valid, or everything that is wrong with it').action(
    (flags: Flags) => {
      context.loadConfig(flags)
      context.stdout.write(
        `${typeof flags.config === 'string' ? flags.config : 'the configuration'} is valid\n`,
      )
    },
  )

  verb('print', 'print the effective configuration, secrets hidden, with the origin of each value')
    .option('--json', 'JSON instead of YAML')
    .action((flags: Flags) => {
      const { config: effective, origins } = context.loadConfig(flags)
      const shown = redact([], effective)
      context.stdout.write(
        flags.json === true
          ? `${JSON.stringify({ config: shown, origins: originsOf(shown, origins, []) }, undefined, 2)}\n`
          : withOrigins(shown, origins),
      )
    })

  config
    .command('schema')
    .description('print the JSON Schema of the configuration: every key, its default and its consequence')
    .action(() => {
      const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' })
      context.stdout.write(`${JSON.stringify(schema, undefined, 2)}\n`)
    })
}

const DEFAULT = 'default'

/** Origin of each value that is not a section, by path. */
const originsOf = (value: unknown, origins: Origins, path: KeyPath): Record<string, string> => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return Object.assign(
      {},
      ...Object.entries(value).map(([key, member]) => originsOf(member, origins, [...path, key])),
    ) as Record<string, string>
  return { [path.join('.')]: origins.of(path) ?? DEFAULT }
}

/** YAML whose values bear their origin as a comment. */
const withOrigins = (value: unknown, origins: Origins): string => {
  const document = new Document(value)
  const annotate = (node: unknown, path: KeyPath): void => {
    if (!isMap(node)) return
    for (const { key, value: member } of node.items) {
      if (!isScalar(key)) continue
      const below = [...path, String(key.value)]
      if (isMap(member) && member.items.length > 0) annotate(member, below)
      else if ((isSeq(member) || isMap(member)) && member.items.length === 0) {
        member.flow = true
        member.comment = ` ${origins.of(below) ?? DEFAULT}`
      } else if (isScalar(member)) member.comment = ` ${origins.of(below) ?? DEFAULT}`
      else key.comment = ` ${origins.of(below) ?? DEFAULT}`
    }
  }
  annotate(document.contents, [])
  return document.toString({ lineWidth: 0 })
}
