import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { GeneratorOrder, GeneratorResult } from './generator.js'
import { LOAD_CPU, Program } from './server.js'

const GENERATOR = fileURLToPath(new URL('generator.ts', import.meta.url))

const isResult = (message: unknown): message is GeneratorResult =>
  typeof message === 'object' && message !== null && 'answered' in message

/** Puts a load on a server and resolves when every request of it is answered. Throws when one was answered wrongly. */
export async function generate(
  order: GeneratorOrder,
  folder: string,
  cpus: string = LOAD_CPU,
): Promise<GeneratorResult> {
  const program = new Program(
    [process.execPath, '--import=@tapjs/typescript/import', GENERATOR],
    cpus,
    join(folder, 'generator.output'),
  )
  const answer = program.answer((message) => (isResult(message) ? message : undefined))
  program.tell(order)
  const result = await answer
  await program.ended()
  if (result.wrong > 0)
    throw new Error(
      `${result.wrong} of ${result.answered} answers have another status than ${order.expected}`,
    )
  return result
}
