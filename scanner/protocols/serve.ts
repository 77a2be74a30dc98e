import { resolve } from 'node:path'
import { splitHostPort } from '../../runtime/host-port.js'
import { readSecret } from '../../runtime/secret.js'
import type { ScannerConfig } from '../config.js'
import { serveClamd } from './clamd/session.js'
import { serveConnections, type ProtocolServer } from './connections.js'
import { serveHttp } from './http/server.js'
import { serveIcap } from './icap/session.js'
import type { ScanService } from './scan-service.js'

export interface ProtocolServers {
  /** Where each is served. */
  readonly addresses: Readonly<Record<string, string>>
  close(): Promise<void>
}

/**
 * Serves the protocols that are configured; all of them or none.
 * @throws RuntimeError `LISTEN_FAILED`; `SECRET_MISSING` for the token
 */
export async function serveProtocols(config: ScannerConfig, service: ScanService): Promise<ProtocolServers> {
  const { clamd, http, icap } = config
  const servers: Record<string, ProtocolServer> = {}
  const close = async (): Promise<void> => {
    await Promise.all(Object.values(servers).map((server) => server.close()))
  }
  try {
    if (clamd.socket !== undefined)
      servers['clamd_socket'] = await serveConnections(
        { path: resolve(clamd.socket) },
        (socket) => serveClamd(socket, service, 'unix'),
        service.log,
      )
    if (clamd.listen !== undefined)
      servers['clamd_listen'] = await serveConnections(
        { ...splitHostPort(clamd.listen), setting: 'scanner.clamd.listen' },
        (socket) => serveClamd(socket, service, 'tcp'),
        service.log,
      )
    if (icap.listen !== undefined)
      servers['icap_listen'] = await serveConnections(
        { ...splitHostPort(icap.listen), setting: 'scanner.icap.listen' },
        (socket) => serveIcap(socket, service, icap),
        service.log,
      )
    if (http.listen !== undefined)
      servers['http_listen'] = await serveHttp(
        splitHostPort(http.listen),
        http.token && (await readSecret(http.token)),
        service,
      )
  } catch (error) {
    await close()
    throw error
  }
  const addresses = Object.fromEntries(
    Object.entries(servers).map(([protocol, { address }]) => [protocol, address]),
  )
  return { addresses, close }
}
