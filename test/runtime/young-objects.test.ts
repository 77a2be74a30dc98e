import { spawnSync } from 'node:child_process'
import t from 'tap'

const module = new URL('../../runtime/young-objects.js', import.meta.url).href

t.test('the option is one that this V8 knows: it complains about others', async (t) => {
  const said = (script: string): string =>
    spawnSync(process.execPath, [...process.execArgv, '--input-type=module', '-e', script], {
      encoding: 'utf8',
    }).stderr
  t.match(
    said(`import { setFlagsFromString } from 'node:v8'; setFlagsFromString('--no-such-option')`),
    /no-such-option/,
  )
  t.equal(said(`import { keepYoungObjectsYoung } from '${module}'; keepYoungObjectsYoung()`), '')
})
