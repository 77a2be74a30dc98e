import type { YaraX } from '@litko/yara-x'
import { EXTERNALS, parseCompileError, type YaraEngine } from './engine.js'

/**
 * YARA-X as native code. Nothing can end a scan of it but the end of its process.
 * @throws when there is no build of it for this platform
 */
export async function loadNativeEngine(): Promise<YaraEngine> {
  const { compile, validate } = await import('@litko/yara-x')
  const options = {
    defineVariables: Object.fromEntries(EXTERNALS.map((name) => [name, ''])),
    // As the `yara` command reads patterns; public rules are written for it.
    relaxedReSyntax: true,
    enableIncludes: false,
  }
  return {
    name: 'native',
    prunesTooMuch: false,
    check: (source) => validate(source, options).errors.map(({ message }) => parseCompileError(message)),
    compile(source) {
      const rules: YaraX = compile(source, options)
      return {
        scan: (content) =>
          rules.scan(content).map(({ ruleIdentifier, tags, meta }) => ({
            rule: ruleIdentifier,
            tags,
            meta: meta as Record<string, unknown>,
          })),
      }
    },
  }
}
