import { once } from 'node:events'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Test } from 'tap'

export interface Mail {
  readonly from: string
  readonly to: readonly string[]
  /** As it came over the wire. */
  readonly source: string
  readonly user: string | undefined
  readonly secure: boolean
}

/** A mail server that knows one user, with or without TLS. */
export async function mailServer(
  t: Test,
  options: SMTPServerOptions & {
    readonly password?: string
    readonly refuse?: () => number | undefined
    /** Whether the connection ends without an answer once a mail was taken. */
    readonly drops?: () => boolean
  } = {},
) {
  const mails: Mail[] = []
  const { password, refuse, drops, ...own } = options
  const server = new SMTPServer({
    authOptional: password === undefined,
    logger: false,
    onAuth({ username = '', password: given }, _session, done) {
      if (given === password) done(null, { user: username })
      else done(new Error('wrong'))
    },
    onRcptTo(_address, _session, done) {
      const code = refuse?.()
      if (code === undefined) done()
      else done(Object.assign(new Error('refused'), { responseCode: code }))
    },
    onData(stream, session, done) {
      const taken = text(stream).then((source) => {
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          source,
          user: session.user,
          secure: session.secure,
        })
        if (drops?.() === true)
          for (const { _socket } of server.connections as Set<{ readonly _socket: Socket }>) _socket.destroy()
        else done()
      })
      // A mail that is cut off was not taken.
      taken.catch(() => undefined)
    },
    ...own,
  })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  t.teardown(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
      }),
  )
  return { mails, port: (server.server.address() as AddressInfo).port }
}
