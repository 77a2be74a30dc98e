import type { Command } from 'commander'

import { parsePhaseNames } from '../../detectors/modes.js'
import type { PhaseName } from '../../detectors/verdict.js'
import { splitHostPort } from '../../runtime/host-port.js'
import { startGateway } from '../../gateway/role.js'
import { startAdmin } from '../../runtime/admin.js'
import { messageOf } from '../../runtime/errors.js'
import { bindFailure, listenFailed } from '../../runtime/listen.js'
import type { Logger } from '../../runtime/log.js'
import { failingChecks, isSupervised } from '../../runtime/role.js'
import type { RunningRole } from '../../runtime/role.js'
import { openTopic } from '../../runtime/topics.js'
import { startTelemetry } from '../../runtime/telemetry/telemetry.js'
import { gatewayBanner } from '../banner.js'
import type { GatewayInfo } from '../banner.js'
import type { Config } from '../config.js'
import type { CliContext, Flags } from '../context.js'
import { UsageError } from '../context.js'
import { servingFlags } from '../flags.js'
import { openRoleStores } from '../role-stores.js'
import { version } from '../run.js'

export const DEFAULT_ADMIN = '127.0.0.1:9090'

/** `portcullis gateway` */
export const registerGateway = (program: Command, context: CliContext): void => {
  servingFlags(program.command('gateway'))
    .description('serve the gateway alone; its decisions wait in the outbox of the data folder')
    .action(async (flags: Flags) => {
      const { config } = context.loadConfig(flags)
      const phases = phaseFlag(flags)
      await context.runRole('gateway', config, async (log) => {
        const role = await startRole(config, phases, log)
        if (!isSupervised()) context.stdout.write(gatewayBanner(role.info, { data: config.data }))
        return role
      })
    })
}

/** Values of `--phases`, which is no key of the configuration. @throws UsageError */
export const phaseFlag = ({ phases }: Flags): readonly PhaseName[] | undefined => {
  if (!Array.isArray(phases)) return undefined
  try {
    return parsePhaseNames(phases.map(String))
  } catch (error) {
    throw new UsageError(`--phases: ${messageOf(error)}`, { cause: error })
  }
}

const startRole = async (
  config: Config,
  only: readonly PhaseName[] | undefined,
  log: Logger,
): Promise<RunningRole & { readonly info: GatewayInfo & Record<string, unknown> }> => {
  const stores = await openRoleStores(config, 'gateway', log)
  const telemetry = await startTelemetry({ role: 'gateway', version, config: config.telemetry, log })
  const release = async (): Promise<void> => {
    await telemetry.shutdown()
    await stores.close()
  }
  try {
    const gateway = await startGateway(config.gateway, {
      dataDir: stores.data,
      detection: config.detection,
      ...(only !== undefined && { only }),
      events: stores.events,
      commands: openTopic(stores.outbox, 'commands.gateway'),
      ledger: stores.ledger,
      telemetry,
      telemetryConfig: config.telemetry,
      version,
      log,
    }).catch((error: unknown) => {
      if (bindFailure(error) === undefined) throw error
      throw listenFailed(config.gateway.listen, '--listen HOST:PORT', error)
    })
    for (const { phase, idle } of Object.values(gateway.effectiveModes).flat())
      if (idle && only?.includes(phase))
        log.warn({ phase }, 'the phase was asked for but has nothing to judge by')
    // Under a supervisor that one serves the admin address for all roles.
    const admin = isSupervised()
      ? undefined
      : await startAdmin({
          ...splitHostPort(config.gateway.admin ?? DEFAULT_ADMIN),
          problems: () => failingChecks(gateway.checks),
          metrics: () => gateway.metrics(),
          log,
        }).catch(async (error: unknown) => {
          await gateway.close()
          throw error
        })
    return {
      info: {
        ...gateway.address,
        tls: config.gateway.tls !== undefined,
        listener: gateway.listener,
        why: gateway.why,
        limits: [...gateway.limits],
        threads: gateway.threads,
        upstreams: upstreamsOf(config),
        phases: Object.fromEntries(
          Object.entries(gateway.effectiveModes).map(([site, phases]) => [site, [...phases]]),
        ),
        ...(admin && { admin: `${admin.host}:${admin.port}` }),
      },
      checks: gateway.checks,
      metrics: () => gateway.metrics(),
      reopen: () => gateway.reopen(),
      async stop() {
        await gateway.close()
        await admin?.close()
        await release()
      },
    }
  } catch (error) {
    await release()
    throw error
  }
}

const upstreamsOf = ({ gateway }: Config): string[] =>
  gateway.sites.length > 0
    ? gateway.sites.map((site) => `${site.name} ${site.upstream}`)
    : gateway.upstream === undefined
      ? []
      : [gateway.upstream]
