import { basename, join } from 'node:path'
import t from 'tap'
import { SecLangError } from '../../../../detectors/seclang/errors.js'
import { operatorFactory } from '../../../../detectors/seclang/operators/index.js'
import { vectorBytes, vectorFiles, vectorFolder } from '../vectors.js'
import { loadContext, recordedRun } from './run.js'

const folder = vectorFolder('operators')
if (folder === undefined) t.plan(0, 'skipped: no data')
else {
  t.test('every shared vector of every operator', async (t) => {
    let ran = 0
    let captures = 0
    let refused = 0
    const context = loadContext(folder, (path) => join(folder, 'op', basename(path)))
    for (const { file, cases } of vectorFiles(folder)) {
      for (const [index, vector] of cases.entries()) {
        const factory = operatorFactory(vector.name)
        if (factory === undefined) throw new Error(`${file}: no operator ${vector.name}`)
        const run = recordedRun()
        let matched = false
        try {
          matched = factory(vector.param ?? '', context)(vectorBytes(vector.input), run)
        } catch (error) {
          // An argument that means nothing is refused while rules are loaded; the vectors only say that it never matches.
          if (!(error instanceof SecLangError && error.code === 'SECLANG_BAD_ARGUMENT')) throw error
          refused += 1
        }
        if (matched !== (vector.ret === 1)) t.fail(`${file} ${index}`, { ...vector })
        if (vector.re_groups !== undefined) {
          captures += 1
          // The vectors list the first groups, not always those of later matches.
          t.strictSame(run.captures.slice(0, vector.re_groups.length), vector.re_groups, `${file} ${index}`)
        }
        ran += 1
      }
    }
    t.equal(ran, 3955)
    t.equal(captures, 25)
    t.equal(refused, 1)
  })
}
