import t from 'tap'
import { transformation } from '../../../../detectors/seclang/transformations/index.js'
import { vectorBytes, vectorFiles, vectorFolder } from '../vectors.js'

const folder = vectorFolder('transformations')
if (folder === undefined) t.plan(0, 'skipped: no data')
else {
  t.test('every shared vector of every transformation', async (t) => {
    let ran = 0
    for (const { file, cases } of vectorFiles(folder)) {
      for (const [index, vector] of cases.entries()) {
        const name = vector.name === 'cmd_line' ? 'cmdLine' : vector.name
        const transform = transformation(name)
        if (transform === undefined) throw new Error(`${file}: no transformation ${name}`)
        const got = transform(vectorBytes(vector.input))
        const want = vectorBytes(vector.output ?? '')
        if (got !== want) t.fail(`${file} ${index}`, { input: vector.input, want, got })
        ran += 1
      }
    }
    t.equal(ran, 376)
  })
}
