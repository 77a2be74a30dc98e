import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { PHASE_ORDER } from '../../detectors/phase-order.js'
import type { PhaseName } from '../../detectors/verdict.js'
import { parseRoleMessage } from '../../runtime/role-messages.js'
import { LOAD_CPU, Program, SERVER_CPU } from './server.js'
import type { Server } from './server.js'

/** The checkout that this file is in. */
const OURS = fileURLToPath(new URL('../..', import.meta.url))

/** How much of the gateway is switched on. */
export interface Posture {
  readonly name: string
  readonly phases: readonly PhaseName[]
  /** Writes the audit log, and runs the ledger and the incidents beside the gateway. */
  readonly records: boolean
}

/** The phases that judge content by rules, in running order. */
const RULE_PHASES = PHASE_ORDER.filter(({ kind, name }) => kind === 'seclang' && name !== 'custom_rules').map(
  ({ name }) => name,
)

export const PASS_THROUGH: Posture = { name: 'pass-through', phases: [], records: false }
export const EVERYTHING: Posture = {
  name: 'everything',
  phases: PHASE_ORDER.map(({ name }) => name),
  records: true,
}

/** Each phase made of rules on top of those before it. */
export const STEPS: readonly Posture[] = RULE_PHASES.map((name, index) => ({
  name: `+ ${name}`,
  phases: RULE_PHASES.slice(0, index + 1),
  records: false,
}))

/** What the phases that are policies judge by; without it they would be idle. `geoip` needs a database and stays so. */
const POLICIES: Readonly<Partial<Record<PhaseName, object>>> = {
  ip_allow: { addresses: ['198.51.100.7', '2001:db8:7::/48'] },
  ip_block: { addresses: ['203.0.113.0/24', '2001:db8:bad::/48'] },
  url_allow: { paths: ['/health'] },
  url_block: { paths: ['/.git/*', '/backup/**'] },
  rate_limit: { limits: [{ requests: 1_000_000, per: 1 }] },
  hotlink: { extensions: ['jpg', 'png'], allowed_hosts: ['example.com', '*.example.com'] },
}

export interface GatewayOptions {
  readonly folder: string
  readonly upstreamPort: number
  readonly crs: string
  readonly listener: string
  readonly threads: number
  /** Another checkout, built, whose gateway is to be started. */
  readonly checkout?: string
  /** CPUs of the gateway, as `taskset` wants them. */
  readonly cpus?: string
  /** Arguments of node itself. */
  readonly nodeArguments?: readonly string[]
}

/** A gateway of ours with what tests of it ask. */
export interface Gateway extends Server {
  readonly listener: string
  readonly threads: number
  readonly program: Program
  readonly data: string
  readonly auditLog: string
  /** Processes of the other roles. */
  readonly besidePids: readonly number[]
  /** Its metrics in Prometheus' text format. */
  metrics(): Promise<string>
}

const configuration = (posture: Posture, options: GatewayOptions, data: string, auditLog: string): object => {
  const settings = (name: PhaseName): object => {
    if (!posture.phases.includes(name)) return { mode: 'off' }
    return name === 'owasp_crs' ? { dir: options.crs, paranoia_level: 1 } : (POLICIES[name] ?? {})
  }
  return {
    data,
    log: { level: 'warn' },
    gateway: {
      listen: '127.0.0.1:0',
      upstream: `http://127.0.0.1:${options.upstreamPort}`,
      listener: options.listener,
      threads: options.threads,
      ...(posture.records ? { audit_log: { file: auditLog } } : {}),
    },
    detection: {
      mode: 'block',
      phases: Object.fromEntries(PHASE_ORDER.map(({ name }) => [name, settings(name)])),
    },
  }
}

const ready = (message: unknown): Readonly<Record<string, unknown>> | undefined => {
  const read = parseRoleMessage(message)
  return read?.type === 'ready' ? read.info : undefined
}

/** Starts our gateway, and with a posture that records the roles that take in what it recorded. */
export async function startGateway(posture: Posture, options: GatewayOptions): Promise<Gateway> {
  const { folder, checkout = OURS } = options
  if (!existsSync(join(checkout, 'dist/cli/main.js')))
    throw new Error(`${checkout} is not built: run npm run build there first`)
  const bin = join(checkout, 'bin/portcullis')
  mkdirSync(folder)
  const data = join(folder, 'data')
  const auditLog = join(folder, 'audit.log')
  const config = join(folder, 'config.yaml')
  // JSON is YAML.
  writeFileSync(config, JSON.stringify(configuration(posture, options, data, auditLog)))
  const beside: Program[] = []
  const role = async (name: string): Promise<void> => {
    const program = new Program(
      [process.execPath, bin, name, '--config', config],
      LOAD_CPU,
      join(folder, `${name}.output`),
    )
    beside.push(program)
    await program.answer(ready)
  }
  const begin = async (): Promise<Gateway> => {
    if (posture.records) for (const name of ['ledger', 'incidents']) await role(name)
    const begun = performance.now()
    const gateway = new Program(
      [process.execPath, ...(options.nodeArguments ?? []), bin, 'gateway', '--config', config],
      options.cpus ?? SERVER_CPU,
      join(folder, 'gateway.output'),
    )
    beside.unshift(gateway)
    const info = await gateway.answer(ready)
    let asked = 0
    const report = (metrics: boolean) => {
      const id = ++asked
      const answer = gateway.answer((message) => {
        const read = parseRoleMessage(message)
        return read?.type === 'report' && read.id === id ? read : undefined
      })
      gateway.tell({ type: 'report', id, metrics })
      return answer
    }
    return {
      name: options.checkout === undefined ? posture.name : `${posture.name} (${basename(checkout)})`,
      port: Number(info['port']),
      listener: String(info['listener']),
      threads: Number(info['threads']),
      program: gateway,
      attackStatus: posture.phases.includes('owasp_crs')
        ? 403
        : posture.phases.length === 0
          ? 200
          : undefined,
      startSeconds: (performance.now() - begun) / 1000,
      pids: [gateway.pid],
      besidePids: beside.slice(1).map(({ pid }) => pid),
      data,
      auditLog,
      metrics: async () => (await report(true)).metrics ?? '',
      assertHealthy: async () => {
        for (const program of beside) program.assertRunning()
        const { problems } = await report(false)
        const [name] = Object.keys(problems)
        if (name !== undefined) throw new Error(`${posture.name}: ${name}: ${problems[name]}`)
      },
      stop,
    }
  }
  // The gateway first: what it recorded is still taken in.
  const stop = async (): Promise<void> => {
    for (const program of beside) await program.stop()
  }
  try {
    return await begin()
  } catch (error) {
    await stop()
    throw error
  }
}
