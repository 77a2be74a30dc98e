import { createHmac } from 'node:crypto'

/** Posts JSON as trackers do: signed over the raw body, tried once, no redirects. @param header that the signature stands in */
export async function postSigned(
  url: string,
  secret: string,
  payload: unknown,
  headers: Readonly<Record<string, string>> = {},
  header = 'x-webhook-signature',
): Promise<{ readonly status: number; readonly body: string }> {
  const raw = JSON.stringify(payload)
  const response = await fetch(url, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      'content-type': 'application/json',
      [header]: `sha256=${createHmac('sha256', secret).update(raw).digest('hex')}`,
      ...headers,
    },
    body: raw,
  })
  return { status: response.status, body: await response.text() }
}
