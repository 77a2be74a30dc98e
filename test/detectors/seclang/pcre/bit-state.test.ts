import t from 'tap'
import { BitState } from '../../../../detectors/seclang/pcre/bit-state.js'
import { compileProgram } from '../../../../detectors/seclang/pcre/compile-program.js'
import { parsePattern } from '../../../../detectors/seclang/pcre/parser.js'
import { PikeVm } from '../../../../detectors/seclang/pcre/pike-vm.js'
import { someNode } from '../../../../detectors/seclang/pcre/simplify.js'
import { growth, mixture, seeded } from '../work.js'
import { EXPLOSIVE } from './explosive.js'
import { randomPattern } from './random-pattern.js'

t.test('finds the match and the groups that the side-by-side search finds', async (t) => {
  const random = seeded(31)
  let matched = 0
  for (let round = 0; round < 4000; round++) {
    const source = randomPattern(random, 6)
    const { root, groups } = parsePattern(source)
    if (someNode(root, ({ kind }) => kind === 'look')) continue
    const { program } = compileProgram(root, groups, false)
    const [short, long] = [new BitState(program, undefined, false), new PikeVm(program, undefined, false)]
    for (let turn = 0; turn < 8; turn++) {
      const value = mixture(['a', 'b', 'c', 'A', ' ', '\n', '1'], Math.floor(random() * 20), random)
      const from = Math.floor(random() * Math.min(3, value.length))
      const ours = short.exec(value, from, undefined)?.join()
      const theirs = long.exec(value, from, undefined)?.join()
      if (ours !== undefined) matched += 1
      if (ours !== theirs)
        t.fail(`${source} on ${JSON.stringify(value)} from ${from}: ${ours}, side by side ${theirs}`)
    }
  }
  t.ok(matched > 8000, `${matched} match`)
})

t.test('takes values up to a size, in linear time', async (t) => {
  for (const [source, piece] of EXPLOSIVE) {
    const { root, groups } = parsePattern(source)
    if (someNode(root, ({ kind }) => kind === 'look')) continue
    const { program } = compileProgram(root, groups, false)
    const search = new BitState(program, undefined, false)
    const most = Math.floor((1 << 18) / program.code.length) - 1
    const value = piece.repeat(most).slice(0, most)
    t.ok(search.fits(value, 0), source)
    t.notOk(search.fits(`${value}  `, 0), source)
    t.ok(growth((size) => search.exec(value.slice(0, size), 0, undefined), Math.floor(most / 4)) < 10, source)
  }
})
