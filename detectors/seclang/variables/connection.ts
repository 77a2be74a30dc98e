import { scalarVariable } from './scalar.js'

export const remoteAddr = scalarVariable('REMOTE_ADDR', (state) => state.tx.client.address)

/** The address again: names are not looked up while a request waits. */
export const remoteHost = scalarVariable('REMOTE_HOST', (state) => state.tx.client.address)

export const remotePort = scalarVariable('REMOTE_PORT', (state) => String(state.tx.client.port))

export const serverAddr = scalarVariable('SERVER_ADDR', (state) => state.tx.client.serverAddress)

export const serverPort = scalarVariable('SERVER_PORT', (state) => String(state.tx.client.serverPort))

/** Host that the client asked for, without its port. */
export const serverName = scalarVariable('SERVER_NAME', (state) => {
  const { host } = state.tx
  const bracket = host.indexOf(']')
  const colon = host.indexOf(':', bracket < 0 ? 0 : bracket)
  return colon < 0 ? host : host.slice(0, colon)
})

/** The address that policies apply to. */
export const userAgentIp = scalarVariable('USERAGENT_IP', (state) => state.tx.client.address)
