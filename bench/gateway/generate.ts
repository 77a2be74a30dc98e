import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import type { GeneratorOrder, GeneratorResult } from './generator.js'
import { LOAD_CPU, Program } from './server.js'

/** The generator as JavaScript: a process that holds the compiler too is stopped by its garbage collector for tens of milliseconds. */
function compiled(folder: string): string {
  const file = join(folder, 'generator.mjs')
  const source = readFileSync(new URL('generator.ts', import.meta.url), 'utf8')
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  writeFileSync(file, ts.transpileModule(source, { compilerOptions }).outputText)
  return file
}

const isResult = (message: unknown): message is GeneratorResult =>
  typeof message === 'object' && message !== null && 'answered' in message

/** Puts a load on a server and resolves when every request of it is answered. Throws when one was answered wrongly. */
export async function generate(
  order: GeneratorOrder,
  folder: string,
  cpus: string = LOAD_CPU,
): Promise<GeneratorResult> {
  const program = new Program([process.execPath, compiled(folder)], cpus, join(folder, 'generator.output'))
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
