export interface ApiResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

export const JSON_TYPE = 'application/json'

export const json = (
  status: number,
  value: object,
  headers: Readonly<Record<string, string>> = {},
): ApiResponse => ({
  status,
  headers: { 'content-type': JSON_TYPE, ...headers },
  body: Buffer.from(`${JSON.stringify(value)}\n`),
})
