import type { Command } from 'commander'
import type { Incident } from '../../incidents/incident.js'
import { rehearse } from '../../incidents/playbooks/rehearse.js'
import { UsageError } from '../context.js'
import type { CliContext, Flags } from '../context.js'
import { withIncidents } from '../incident-access.js'
import { printable } from '../printable.js'

const shared = (command: Command): Command =>
  command.option('--config <file>', 'configuration file (YAML)').option('--data <dir>', 'data folder')

/** `portcullis playbooks` */
export const registerPlaybooks = (program: Command, context: CliContext): void => {
  const playbooks = program.command('playbooks').description('what is done about incidents')

  shared(playbooks.command('check'))
    .description('check the playbooks of the configuration and say what each does')
    .action((flags: Flags) => {
      const { config } = context.loadConfig(flags)
      for (const { name, match, dry_run, actions } of config.playbooks)
        context.stdout.write(
          `${name}${dry_run ? ' (dry run)' : ''}: on ${JSON.stringify(match)}: ` +
            `${actions.map((action) => action.type + ('approval' in action && action.approval ? ' (approval)' : '')).join(', ')}\n`,
        )
      if (config.playbooks.length === 0) context.stderr.write('there are no playbooks in the configuration\n')
    })

  shared(playbooks.command('run'))
    .description('begin a playbook by hand; you cannot approve what it asks for')
    .argument('<incident>')
    .option('--playbook <name>', 'which; needed unless --dry-run')
    .option('--dry-run', 'only print what it, or each playbook, would do')
    .action(async (id: string, flags: Flags) => {
      const { config } = context.loadConfig(flags)
      const name = typeof flags['playbook'] === 'string' ? flags['playbook'] : undefined
      const target = `/v1/incidents/${encodeURIComponent(id)}`
      if (name !== undefined && !config.playbooks.some((playbook) => playbook.name === name))
        throw new UsageError(`there is no playbook ${printable(name)} in the configuration`)
      if (flags['dryRun'] === true) {
        const incident = (await withIncidents(context, flags, (ask) => ask('GET', target))) as Incident
        for (const playbook of config.playbooks) {
          if (name !== undefined && playbook.name !== name) continue
          const { matches, would } = rehearse(playbook, incident, config.answers.commands)
          context.stdout.write(`${playbook.name}: ${matches ? 'matches' : 'does not match'}\n`)
          for (const line of would) context.stdout.write(`  ${printable(line)}\n`)
        }
        return
      }
      if (typeof name !== 'string')
        throw new UsageError('--playbook NAME says which playbook; or add --dry-run')
      await withIncidents(context, flags, (ask) => ask('POST', `${target}/playbooks`, { playbook: name }))
    })
}
