import { join } from 'node:path'
import t from 'tap'
import { type Outcome, compare, readRatchet, resultsOf, updateRatchet } from './ratchet.js'

const outcome = (name: string, changes: Partial<Outcome> = {}): Outcome => ({
  name,
  group: 'REQUEST-942',
  passed: true,
  overridden: false,
  ...changes,
})

const against = (before: readonly Outcome[], now: readonly Outcome[]) =>
  compare(resultsOf(before), resultsOf(now), now)

t.test('a run that does as before says nothing', async (t) => {
  const run = [outcome('942100-1'), outcome('942100-2', { passed: false })]
  t.same(against(run, run.toReversed()), { worse: [], better: [], unknown: [] })
})

t.test('a lost test and a new override are named', async (t) => {
  const before = [outcome('942100-1'), outcome('942100-2')]
  t.same(against(before, [outcome('942100-1'), outcome('942100-2', { passed: false })]).worse, [
    'REQUEST-942: 1 pass, 2 did; not passed: 942100-2',
  ])
  t.same(against(before, [outcome('942100-1', { overridden: true }), outcome('942100-2')]).worse, [
    'REQUEST-942: 1 overrides, 0 were needed: 942100-1',
  ])
})

t.test('a gain asks for a higher ratchet', async (t) => {
  const before = [outcome('942100-1', { passed: false }), outcome('942100-2', { overridden: true })]
  t.match(against(before, [outcome('942100-1'), outcome('942100-2')]), {
    worse: [],
    better: ['REQUEST-942: 2 pass, 1 did', 'REQUEST-942: 0 overrides, 1 were needed'],
  })
})

t.test('other tests of a rule file, more of them and new files are not compared', async (t) => {
  const before = [outcome('942100-1')]
  for (const now of [
    [outcome('942100-2', { passed: false })],
    [outcome('942100-1', { passed: false }), outcome('942100-2')],
  ])
    t.same(against(before, now), { worse: [], better: [], unknown: ['REQUEST-942'] })
  t.same(against(before, [outcome('942100-1'), outcome('911100-1', { group: 'REQUEST-911' })]), {
    worse: [],
    better: [],
    unknown: ['REQUEST-911'],
  })
})

t.test('an update keeps what it did not run', async (t) => {
  const path = join(t.testdir({}), 'ratchet.json')
  updateRatchet(path, 'node', resultsOf([outcome('942100-1'), outcome('911100-1', { group: 'REQUEST-911' })]))
  updateRatchet(path, 'uws', resultsOf([outcome('942100-1')]))
  updateRatchet(path, 'node', resultsOf([outcome('942100-1', { overridden: true })]))
  t.match(readRatchet(path), {
    node: { 'REQUEST-911': { passed: 1 }, 'REQUEST-942': { passed: 1, overridden: 1 } },
    uws: { 'REQUEST-942': { overridden: 0 } },
  })
})
