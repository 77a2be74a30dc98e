import { STATUS_CODES } from 'node:http'

/** The HTTP response that a client gets in place of a content; its text tells why, and is safe whatever a rule is called. */
export function blockPage(
  status: number,
  title: string,
  text: string,
  reason: string,
): { head: Buffer; body: Buffer } {
  const body = Buffer.from(
    `<!doctype html>\n<html lang="en">\n<meta charset="utf-8">\n<title>${title}</title>\n` +
      `<h1>${title}</h1>\n<p>${text}</p>\n<p><code>${escape(reason)}</code></p>\n</html>\n`,
  )
  const head = Buffer.from(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: text/html; charset=utf-8\r\n` +
      `Content-Length: ${body.length}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n` +
      `Content-Security-Policy: default-src 'none'\r\n\r\n`,
  )
  return { head, body }
}

const ENTITIES: { readonly [char: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
}
const escape = (text: string): string => text.replace(/[&<>"]/g, (char) => ENTITIES[char] ?? '')
