import { resolve } from 'node:path'
import type { Command } from 'commander'

import { detectionConfig } from '../../detectors/config.js'
import { compileSiteRules } from '../../detectors/pipeline.js'
import { nodeRuleFiles } from '../../gateway/rule-files.js'
import { messageOf } from '../../runtime/errors.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import type { RuleSetFile } from '../rule-set/archive.js'
import { RuleSetError } from '../rule-set/errors.js'
import { RULE_SET_LIMITS } from '../rule-set/limits.js'
import { readRelease } from '../rule-set/source.js'
import type { Release } from '../rule-set/store.js'
import { RuleSetStore } from '../rule-set/store.js'

/** `portcullis rules update crs` and `portcullis rules rollback crs` */
export const registerRulesUpdate = (rules: Command, context: CliContext): void => {
  withData(rules.command('update').description('take over a release of a rule set').command('crs'))
    .description('unpack a Core Rule Set release into the data folder and make it the current one')
    .requiredOption('--from <where>', 'a .tar.gz or .zip archive, a folder, or a URL of an archive')
    .requiredOption('--sha256 <hex>', 'its SHA-256; nothing else is taken over')
    .action(async (flags: Flags) => {
      const from = String(flags.from)
      const sha256 = String(flags.sha256).toLowerCase()
      if (!/^[0-9a-f]{64}$/.test(sha256)) throw new UsageError('--sha256 takes 64 hexadecimal digits')
      const { config } = context.loadConfig(flags)
      const files = await readRelease(from, sha256, { limits: RULE_SET_LIMITS, outbound: config.outbound })
      const version = versionOf(files)
      const store = await RuleSetStore.open(resolve(config.data))
      const release = await store.install(files, { version, sha256, from: withoutQuery(from) }, (folder) =>
        check(folder, context),
      )
      await report('update', release, store, flags, context)
    })

  withData(rules.command('rollback').description('go back to the version before').command('crs'))
    .description('make the Core Rule Set that was current before the current one again')
    .action(async (flags: Flags) => {
      const { config } = context.loadConfig(flags)
      const store = await RuleSetStore.open(resolve(config.data))
      await report('rollback', await store.rollback(), store, flags, context)
    })
}

const withData = (command: Command): Command =>
  command
    .option('--config <file>', 'configuration file (YAML)')
    .option('--data <dir>', 'data folder (./data)')
    .option('--json', 'one JSON object on standard output')

const report = async (
  action: string,
  { version, folder }: Release,
  store: RuleSetStore,
  flags: Flags,
  { stdout }: CliContext,
): Promise<void> => {
  const previous = (await store.previous()) ?? null
  stdout.write(
    flags.json === true
      ? `${JSON.stringify({ action, version, previous, folder, load: store.currentPath })}\n`
      : `Core Rule Set ${version} is current${previous === null ? '' : ` (before: ${previous})`}\n` +
          `load it with --crs ${store.currentPath}; a gateway that runs takes it when it starts again\n`,
  )
}

/** A query may hold a token, and the record is kept. */
const withoutQuery = (from: string): string => from.replace(/[?#].*$/s, '')

const VERSION = /OWASP_CRS\/(\d[0-9A-Za-z.-]{0,40})/

/** The version as the rules of the release say it. */
const versionOf = (files: readonly RuleSetFile[]): string => {
  for (const { path, content } of files) {
    if (!/^(?:crs-setup\.conf(?:\.example)?|rules\/[^/]+\.conf)$/.test(path)) continue
    const version = VERSION.exec(Buffer.from(content).toString('latin1'))?.[1]
    if (version !== undefined) return version
  }
  throw new RuleSetError(
    'RULE_SET_REFUSED',
    'this is no Core Rule Set release: no rule in it names its version',
  )
}

/** A release that does not load must not become the current one. */
const check = (folder: string, { stderr }: CliContext): void => {
  const detection = detectionConfig.parse({ phases: { owasp_crs: { dir: folder } } })
  try {
    compileSiteRules(detection, {
      files: nodeRuleFiles,
      only: ['owasp_crs'],
      warn: (message) => stderr.write(`warning: ${message.replaceAll(`${folder}/`, '')}\n`),
    })
  } catch (error) {
    const why = messageOf(error).replaceAll(`${folder}/`, '')
    throw new RuleSetError('RULE_SET_REFUSED', `the release does not load: ${why}`, { cause: error })
  }
}
