import { join, resolve } from 'node:path'
import type { Command } from 'commander'

import { LedgerError } from '../../ledger/errors.js'
import { readKeyFile } from '../../ledger/key-file.js'
import { defaultName } from '../../ledger/role.js'
import { openWitnessKey, startWitness } from '../../ledger/witness/role.js'
import { cosigner, encodeVkey } from '../../proofs/note-key.js'
import { privateFolder } from '../../runtime/data-folder.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import { endAtOnce } from '../../runtime/role.js'
import { openTopic } from '../../runtime/topics.js'
import type { CliContext, Flags } from '../context.js'

const clock = { now: () => Date.now() }

/** `portcullis witness`, the role, and its commands. */
export const registerWitness = (program: Command, context: CliContext): void => {
  const witness = withData(program.command('witness'))
    .description('cosign checkpoints of other logs (C2SP tlog-witness; witness.logs in the configuration)')
    .enablePositionalOptions()
    .action((flags: Flags) => serve(context, flags))
  const command = (usage: string, description: string): Command =>
    withData(witness.command(usage)).description(description)

  command('init', 'make the key of this witness')
    .option('--name <name>', 'what its name starts with (the name of this host)')
    .action((_: unknown, self: Command) => init(context, self.optsWithGlobals<Flags>()))

  command('vkey', 'print the public key of this witness, for the policies of logs and verifiers').action(
    (_: unknown, self: Command) => vkey(context, self.optsWithGlobals<Flags>()),
  )
}

const withData = (command: Command): Command =>
  command
    .option('--config <file>', 'configuration file (YAML)')
    .option('--data <dir>', 'folder of all state (./data)')

const serve = async (context: CliContext, flags: Flags): Promise<void> => {
  const { config } = context.loadConfig(flags)
  await context.runRole('witness', config, async (log) => {
    const data = await privateFolder(resolve(config.data))
    const outbox = openOutbox(join(data, 'outbox'), { log })
    try {
      const role = await startWitness({
        data,
        config: config.witness,
        defaultName: defaultName(),
        events: openTopic(outbox, 'events'),
        clock,
        log,
        onFatal: endAtOnce,
      })
      const stop = async (): Promise<void> => {
        await role.stop()
        await outbox.close()
      }
      return { ...role, metrics: () => role.metrics(), stop }
    } catch (error) {
      await outbox.close()
      throw error
    }
  })
}

const init = async (context: CliContext, flags: Flags): Promise<void> => {
  const { config } = context.loadConfig(flags)
  const data = await privateFolder(resolve(config.data))
  const present = await readKeyFile(join(data, 'witness', 'key'))
  if (present !== undefined)
    throw new LedgerError('ALREADY_INITIALISED', `${data} holds the witness ${present.name} already`)
  const name = typeof flags.name === 'string' ? flags.name : (config.witness.name ?? defaultName())
  context.stdout.write(`${encodeVkey(await openWitnessKey(data, name, clock))}\n`)
}

const vkey = async (context: CliContext, flags: Flags): Promise<void> => {
  const folder = join(resolve(context.loadConfig(flags).config.data), 'witness')
  const key = await readKeyFile(join(folder, 'key'))
  if (key === undefined)
    throw new LedgerError('NOT_INITIALISED', `there is no witness in ${folder}: portcullis witness init`)
  context.stdout.write(`${encodeVkey(cosigner(key, clock.now))}\n`)
}
