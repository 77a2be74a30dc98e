import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import t from 'tap'
import ts from 'typescript'

import { DetectorError, Engine } from '../../detectors/index.js'
import { ruleFiles } from './site.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

t.test('the example of the README runs as it stands', async (t) => {
  const readme = readFileSync(join(root, 'detectors/README.md'), 'utf8')
  const example = /```ts\n([\s\S]+?)```/.exec(readme)?.[1] ?? ''
  t.ok(example.split('\n').filter((line) => line.trim() !== '').length <= 10, 'ten lines')
  // The package's own name leads to the compiled files; here it leads to the sources.
  const source = example.replace(
    "'portcullis/detectors'",
    JSON.stringify(pathToFileURL(join(root, 'detectors/index.js')).href),
  )
  const file = join(t.testdir(), 'example.mjs')
  const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 }
  writeFileSync(file, ts.transpileModule(source, { compilerOptions }).outputText)
  const printed = t.capture(console, 'log')
  await import(pathToFileURL(file).href)
  const out = printed()
    .map(({ args }) => args.join(' '))
    .join('\n')
  t.match(out, /^block 403 sql_injection SQL injection/)
  t.match(out, /\d+ ARGS:id SQL injection/)
})

t.test('the engine judges requests with bodies and headers', async (t) => {
  const engine = Engine.load({ files: ruleFiles() })
  t.match(engine.judge({ method: 'GET', target: '/', headers: [['User-Agent', 'x/1']] }).verdict, {
    action: 'allow',
  })
  const body = Buffer.from('{"a":"<script>alert(1)</script>"}')
  const headers = [['Content-Type', 'application/json']] as const
  t.match(engine.judge({ method: 'POST', target: '/', headers, body }).verdict, {
    action: 'block',
    phase: 'xss',
  })
})

t.test('a configuration that is wrong is an error with its key', async (t) => {
  const config: object = { phases: { bot: {} }, colour: 'red' }
  try {
    Engine.load({ files: ruleFiles(), config })
    t.fail('loaded')
  } catch (error) {
    t.ok(error instanceof DetectorError)
    t.match(error, { code: 'DETECTOR_CONFIG', message: /detection\.phases: phase "bot" is not available/ })
  }
})
