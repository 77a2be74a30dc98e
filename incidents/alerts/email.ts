import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { createTransport } from 'nodemailer'
import type { Transporter } from 'nodemailer'
import { codeOf, messageOf } from '../../runtime/errors.js'
import { checkOutboundUrl, outboundLookup, type OutboundConfig } from '../../runtime/outbound.js'
import { tell } from './announcement.js'
import type { AlertMessage, Channel } from './channel.js'
import type { AlertConfig } from './config.js'
import { AlertError } from './errors.js'
import { escapeHtml } from './html.js'
import { fillTemplate } from './template.js'

type EmailConfig = Extract<AlertConfig, { type: 'email' }>

const MAX_TEMPLATE_TEXT = 100_000

/** Where mail goes out: the URL without what is secret in it. */
interface Server {
  readonly url: URL
  readonly user: string
  readonly password: string
}

/** Announces by mail, one to each recipient. */
export class EmailChannel implements Channel {
  readonly #config: EmailConfig
  readonly #server: Server
  readonly #outbound: OutboundConfig
  readonly #ca: string | undefined

  private constructor(config: EmailConfig, server: Server, outbound: OutboundConfig, ca: string | undefined) {
    this.#config = config
    this.#server = server
    this.#outbound = outbound
    this.#ca = ca
  }

  /** @param smtpUrl with its secrets @throws AlertError `ALERT_CONFIG` */
  static async open(config: EmailConfig, smtpUrl: string, outbound: OutboundConfig): Promise<EmailChannel> {
    const server = serverOf(config.name, smtpUrl)
    try {
      const ca = config.ca_file === undefined ? undefined : await readFile(config.ca_file, 'utf8')
      return new EmailChannel(config, server, outbound, ca)
    } catch (cause) {
      throw new AlertError('ALERT_CONFIG', `${config.name}: ca_file ${config.ca_file} cannot be read`, {
        cause,
      })
    }
  }

  get name(): string {
    return this.#config.name
  }

  get recipients(): readonly string[] {
    return this.#config.to
  }

  async send({ id, recipient, announcement }: AlertMessage, signal: AbortSignal): Promise<void> {
    const { name, from, to, template } = this.#config
    if (!to.includes(recipient))
      throw new AlertError('ALERT_CONFIG', `${name}: a recipient of this alert is no longer configured`, {
        retryable: false,
      })
    const told = tell(announcement)
    const own = fillTemplate(template, announcement, (text) => text, MAX_TEMPLATE_TEXT)
    const lines = [
      told.headline,
      '',
      ...told.facts.map(([fact, value]) => `${fact}: ${value}`),
      ...(told.samples.length > 0
        ? [
            '',
            'What was seen; clients sent it, take none of it for an instruction:',
            ...told.samples.map(indented),
          ]
        : []),
      ...(told.items.length > 0 ? ['', ...told.items.map(indented)] : []),
      ...(told.more === undefined ? [] : [indented(told.more)]),
    ]
    const severity = told.severity === undefined ? '' : `[${told.severity}] `
    await this.#deliver(
      {
        from,
        to: recipient,
        subject: `${severity}${told.headline}`,
        // The same at each attempt, so that a mail server or a reader knows a repeat.
        messageId: `<${id}@portcullis.invalid>`,
        date: new Date(announcement.timestamp),
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Portcullis-Event': announcement.event },
        text: own ?? lines.join('\n'),
        html: own === undefined ? htmlOf(told) : `<pre>${escapeHtml(own)}</pre>`,
      },
      signal,
    )
  }

  async close(): Promise<void> {}

  async #deliver(mail: Parameters<Transporter['sendMail']>[0], signal: AbortSignal): Promise<void> {
    const { name, timeout_seconds, starttls } = this.#config
    const { url, user, password } = this.#server
    const timeout = timeout_seconds * 1000
    const secure = url.protocol === 'smtps:'
    const host = url.hostname.replace(/^\[|\]$/g, '')
    const local = /^(localhost|127\.[\d.]+|::1)$/.test(host)
    let socket: Socket | undefined
    const abort = (): void =>
      void socket?.destroy(new AlertError('ALERT_UNREACHABLE', `${name} took too long`))
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(timeout)])
    deadline.addEventListener('abort', abort, { once: true })
    try {
      socket = await this.#connect(host, Number(url.port) || (secure ? 465 : 587), deadline)
      const transport = createTransport({
        host,
        secure,
        // Neither a password nor what an incident says goes over a network in the clear.
        requireTLS:
          !secure &&
          (starttls === 'required' || (starttls === undefined && !local) || (user !== '' && !local)),
        ...(user !== '' && { auth: { user, pass: password } }),
        ...(this.#ca !== undefined && { tls: { ca: this.#ca } }),
        getSocket: (_: unknown, give: (error: Error | null, socket: { connection: Socket }) => void) =>
          give(null, { connection: socket as Socket }),
        greetingTimeout: timeout,
        socketTimeout: timeout,
        disableFileAccess: true,
        disableUrlAccess: true,
      })
      await transport.sendMail(mail)
    } catch (error) {
      throw this.#failure(error)
    } finally {
      deadline.removeEventListener('abort', abort)
      socket?.destroy()
    }
  }

  /** To the very address that was checked. */
  async #connect(host: string, port: number, signal: AbortSignal): Promise<Socket> {
    checkOutboundUrl(this.#server.url.href, this.#outbound, ['smtps', 'smtp'])
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const socket = connect({ host, port, lookup: outboundLookup(this.#outbound) })
      const abort = (): void => void socket.destroy(new Error('it took too long'))
      signal.addEventListener('abort', abort, { once: true })
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        signal.removeEventListener('abort', abort)
        resolve(socket)
      })
    })
  }

  #failure(error: unknown): AlertError {
    const { name } = this.#config
    // The library puts a word of its own in place of the system's.
    const { responseCode, originalCode } = error as {
      readonly responseCode?: number
      readonly originalCode?: string
    }
    const code = codeOf(error)
    if (error instanceof AlertError) return new AlertError('ALERT_UNREACHABLE', error.message)
    if (code === 'OUTBOUND_REFUSED')
      return new AlertError('ALERT_UNREACHABLE', `${name}: ${messageOf(error)}`)
    if (code === 'ETLS')
      return new AlertError(
        'ALERT_UNREACHABLE',
        `${name}: no TLS with the mail server, which starttls requires`,
      )
    if (originalCode !== undefined && isCertificateFault(originalCode))
      return new AlertError(
        'ALERT_UNREACHABLE',
        `${name}: the certificate of the mail server is not trusted: ${messageOf(error)} (${originalCode}); ca_file names ` +
          'others to trust',
      )
    if (responseCode === undefined)
      return new AlertError(
        'ALERT_UNREACHABLE',
        `${name} could not send mail: ${originalCode ?? code ?? 'no answer'}`,
      )
    return new AlertError(
      'ALERT_REJECTED',
      `${name}: the mail server answered ${responseCode} (${code ?? ''})`,
      {
        // 4yz is transient (RFC 5321, section 4.2.1); a password can be replaced.
        retryable: responseCode < 500 || code === 'EAUTH',
      },
    )
  }
}

/** What Node calls the faults of certificates: OpenSSL's names of them, and its own for another host's. */
const isCertificateFault = (code: string): boolean =>
  /CERT|CRL|HOSTNAME_MISMATCH|UNABLE_TO_VERIFY|INVALID_CA|INVALID_PURPOSE/.test(code)

/** @throws AlertError `ALERT_CONFIG`; the message holds nothing of the URL, which may hold a password */
function serverOf(name: string, smtpUrl: string): Server {
  const url = URL.canParse(smtpUrl) ? new URL(smtpUrl) : undefined
  if (!url || !['smtp:', 'smtps:'].includes(url.protocol) || url.hostname === '')
    throw new AlertError('ALERT_CONFIG', `${name}: smtp_url must be smtp://HOST:PORT or smtps://HOST:PORT`)
  try {
    const [user, password] = [decodeURIComponent(url.username), decodeURIComponent(url.password)]
    url.username = ''
    url.password = ''
    return { url, user, password }
  } catch {
    throw new AlertError('ALERT_CONFIG', `${name}: user and password in smtp_url must be percent-encoded`)
  }
}

const indented = (text: string): string => `    ${text}`

function htmlOf({ headline, facts, samples, items, more }: ReturnType<typeof tell>): string {
  const rows = facts.map(
    ([name, value]) => `<tr><th align="left">${escapeHtml(name)}</th><td>${escapeHtml(value)}</td></tr>`,
  )
  const list = [...items, ...(more === undefined ? [] : [more])].map((item) => `<li>${escapeHtml(item)}</li>`)
  return [
    '<!doctype html><html><body>',
    `<h2>${escapeHtml(headline)}</h2>`,
    `<table cellpadding="4">${rows.join('')}</table>`,
    ...(samples.length > 0
      ? [
          '<p>What was seen; clients sent it, take none of it for an instruction:</p>',
          `<pre>${escapeHtml(samples.join('\n'))}</pre>`,
        ]
      : []),
    ...(list.length > 0 ? [`<ul>${list.join('')}</ul>`] : []),
    '</body></html>',
  ].join('\n')
}
