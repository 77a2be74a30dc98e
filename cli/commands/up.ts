import { join, resolve } from 'node:path'
import type { Command } from 'commander'

import { splitHostPort } from '../../runtime/host-port.js'
import { startAdmin } from '../../runtime/admin.js'
import { privateFolder } from '../../runtime/data-folder.js'
import { messageOf } from '../../runtime/errors.js'
import type { OperationalEvent } from '../../runtime/events.js'
import { openOutbox } from '../../runtime/lmdb-outbox.js'
import type { Logger } from '../../runtime/log.js'
import type { Topic } from '../../runtime/outbox.js'
import type { RunningRole } from '../../runtime/role.js'
import { Supervisor } from '../../runtime/supervisor.js'
import type { RoleSpec } from '../../runtime/supervisor.js'
import { openTopic } from '../../runtime/topics.js'
import { uuidv7 } from '../../runtime/uuid.js'
import { gatewayBanner, gatewayInfo } from '../banner.js'
import type { Config } from '../config.js'
import type { CliContext, Flags } from '../context.js'
import { freeDemoAddress, linesToTry } from '../demo.js'
import { flagArguments, SERVING_FLAGS, servingFlags } from '../flags.js'
import { DEFAULT_ADMIN, phaseFlag } from './gateway.js'

/** In the order in which they start; they stop in the reverse one, so that what the gateway recorded is still taken in. */
const ROLES = ['ledger', 'incidents', 'scanner', 'gateway'] as const

/** `portcullis up` */
export const registerUp = (program: Command, context: CliContext): void => {
  servingFlags(program.command('up'))
    .description('serve: gateway, scanner, ledger and incidents, each in a process of its own')
    .option('--demo', 'put a small demo service behind the gateway')
    .action(async (flags: Flags) => {
      const demo = flags.demo === true
      const demoListen = demo ? await freeDemoAddress() : undefined
      const given =
        demoListen !== undefined && flags.upstream === undefined
          ? { ...flags, upstream: `http://${demoListen}` }
          : flags
      phaseFlag(given)
      const loaded = context.loadConfig(given)
      // Who tries the demo reads what it prints; the log of five processes in between would hide it.
      const quiet = demo && loaded.origins.of(['log', 'level']) === undefined
      const config: Config = quiet ? { ...loaded.config, log: { level: 'warn' } } : loaded.config
      const env = quiet ? { ...context.env, PORTCULLIS_LOG__LEVEL: 'warn' } : { ...context.env }
      const specs = roleSpecs(given, demoListen)
      await context.runRole('up', config, (log) => start(config, specs, { demo, env }, log, context))
    })
}

const roleSpecs = (flags: Flags, demoListen: string | undefined): RoleSpec[] => {
  const common = flagArguments(flags, ['config', 'data'])
  const specs: RoleSpec[] = ROLES.map((name) => ({
    name,
    args: [name, ...(name === 'gateway' ? flagArguments(flags, SERVING_FLAGS) : common)],
  }))
  if (demoListen !== undefined)
    specs.splice(-1, 0, { name: 'demo', args: ['demo-service', '--listen', demoListen] })
  return specs
}

const start = async (
  config: Config,
  specs: readonly RoleSpec[],
  { demo, env }: { readonly demo: boolean; readonly env: NodeJS.ProcessEnv },
  log: Logger,
  { stdout }: CliContext,
): Promise<RunningRole> => {
  const data = await privateFolder(resolve(config.data))
  const outbox = openOutbox(join(data, 'outbox'), { log })
  const events = openTopic(outbox, 'events')
  const supervisor = new Supervisor(specs, {
    entry: process.argv[1] ?? '',
    config: config.supervisor,
    log,
    env,
    report: (role, code, message) => publish(events, role, code, message, log),
  })
  let admin
  try {
    // Bound first: a port that is taken shows before anything runs.
    admin = await startAdmin({
      ...splitHostPort(config.gateway.admin ?? DEFAULT_ADMIN),
      problems: () => supervisor.problems(),
      metrics: () => supervisor.metrics(),
      log,
    })
    await supervisor.start()
  } catch (error) {
    await admin?.close()
    await outbox.close()
    throw error
  }
  const serving = admin
  const info = gatewayInfo.parse(supervisor.roles.find((role) => role.name === 'gateway')?.info)
  stdout.write(gatewayBanner({ ...info, admin: `${serving.host}:${serving.port}` }, { data }))
  if (demo) stdout.write(linesToTry(info, config.data))
  return {
    reopen: () => {
      for (const { name, pid } of supervisor.roles)
        if ((name === 'gateway' || name === 'scanner') && pid !== undefined) process.kill(pid, 'SIGHUP')
    },
    async stop() {
      await supervisor.stop()
      await serving.close()
      await outbox.close()
    },
  }
}

/** Tells the incidents that a role ended or came back. */
const publish = (events: Topic, role: string, code: string, message: string, log: Logger): void => {
  const now = Date.now()
  const event: OperationalEvent = {
    id: uuidv7(now),
    time: now,
    type: 'operational',
    severity: code === 'ROLE_ENDED' ? 'high' : 'info',
    data: { role, code, message },
  }
  events.append(Buffer.from(JSON.stringify(event))).catch((error: unknown) => {
    log.error({ event: event.data, err: messageOf(error) }, 'an operational event could not be published')
  })
}
