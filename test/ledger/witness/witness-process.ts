/** `portcullis witness` as a process of its own. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BIN, Serving, start } from '../../acceptance/product.js'

export interface WitnessProcess {
  readonly serving: Serving
  /** `http://HOST:PORT` of the protocol. */
  readonly url: string
  readonly admin: string
  readonly vkey: string
}

/** @param data its data folder; the configuration is written into it */
export async function startWitnessProcess(
  data: string,
  logs: readonly ({ readonly vkey: string } & Readonly<Record<string, unknown>>)[],
  listen = '127.0.0.1:0',
): Promise<WitnessProcess> {
  const file = join(data, 'portcullis.yaml')
  const witness = { name: 'witness.example', listen, admin: '127.0.0.1:0', logs }
  await writeFile(file, JSON.stringify({ witness }))
  const args = [BIN, 'witness', '--config', file, '--data', join(data, 'data')]
  const serving = new Serving(start(process.execPath, args, {}))
  const [line] = await serving.wrote(/^.*witness serves.*$/m, 'stderr')
  const info = JSON.parse(line) as { listen: string; admin: string; vkey: string }
  return { serving, url: `http://${info.listen}`, admin: `http://${info.admin}`, vkey: info.vkey }
}

export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Buffer
}

export async function ask(url: string, options: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, options)
  const body = Buffer.from(await response.arrayBuffer())
  return { status: response.status, type: response.headers.get('content-type') ?? '', body }
}

/** `POST add-checkpoint` */
export const add = (witness: { readonly url: string }, body: Uint8Array): Promise<Answer> =>
  ask(`${witness.url}/add-checkpoint`, { method: 'POST', body: Buffer.from(body) })
