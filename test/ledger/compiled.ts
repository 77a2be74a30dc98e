/**
 * Compiles the folders that a ledger process needs into plain JavaScript, once, so that a test may start many processes:
 * loading the compiler in each of them would take most of the time.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const FOLDERS = ['ledger', 'proofs', 'runtime', 'test/ledger']

/** @param target a folder inside this repository, so that packages are found from it */
export async function compile(target: string): Promise<void> {
  for (const folder of FOLDERS) {
    for (const file of await readdir(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      const path = join(file.parentPath, file.name)
      if (!file.isFile() || !path.endsWith('.ts') || path.endsWith('.test.ts')) continue
      const out = join(target, relative(ROOT, path).replace(/\.ts$/, '.js'))
      await mkdir(dirname(out), { recursive: true })
      const { outputText } = ts.transpileModule(await readFile(path, 'utf8'), {
        compilerOptions: {
          module: ts.ModuleKind.ESNext,
          target: ts.ScriptTarget.ES2023,
          verbatimModuleSyntax: true,
        },
      })
      await writeFile(out, outputText)
    }
  }
  await writeFile(join(target, 'package.json'), '{"type":"module"}\n')
}
