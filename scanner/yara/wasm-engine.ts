import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { EXTERNALS, parseCompileError, type RuleMatch, type YaraEngine } from './engine.js'

interface WasmMatch {
  readonly identifier: string
  readonly tags: readonly string[]
  readonly metadata: readonly { readonly identifier: string; readonly value: unknown }[]
}

interface WasmScan {
  readonly errors: readonly string[]
  readonly matches: readonly WasmMatch[]
}

/** The official WebAssembly build of YARA-X: runs everywhere, and takes milliseconds for what native code does in microseconds. */
export async function loadWasmEngine(): Promise<YaraEngine> {
  const { initSync, Compiler } = await import('@virustotal/yara-x')
  const module = new URL('yara_x_js_bg.wasm', import.meta.resolve('@virustotal/yara-x'))
  initSync({ module: await readFile(fileURLToPath(module)) })
  /** A compiler that has refused a source cannot be used again, so there is a new one for each. */
  const newCompiler = () => {
    const compiler = new Compiler()
    for (const name of EXTERNALS) compiler.defineGlobal(name, '')
    return compiler
  }
  return {
    name: 'wasm',
    prunesTooMuch: true,
    check(source) {
      const compiler = newCompiler()
      try {
        compiler.addSource(source)
        return []
      } catch {
        return compiler.errors.map(parseCompileError)
      } finally {
        compiler.free()
      }
    },
    compile(source) {
      const compiler = newCompiler()
      compiler.addSource(source)
      const scanner = compiler.build().scanner()
      compiler.free()
      return {
        scan(content) {
          const { errors, matches } = scanner.scan(content) as WasmScan
          if (errors.length > 0) throw new Error(errors.join('; '))
          return matches.map(toMatch)
        },
      }
    },
  }
}

const toMatch = ({ identifier, tags, metadata }: WasmMatch): RuleMatch => ({
  rule: identifier,
  tags,
  meta: Object.fromEntries(metadata.map((entry) => [entry.identifier, entry.value])),
})
