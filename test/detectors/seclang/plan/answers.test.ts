import t from 'tap'
import { Answers } from '../../../../detectors/seclang/plan/answers.js'
import { MAX_LENGTH, MAX_TEXTS } from '../../../../detectors/seclang/plan/generations.js'
import { Readers } from '../../../../detectors/seclang/plan/readers.js'

const headers = new Readers(1)
const names = new Readers(1)

t.test('an answer belongs to the text and to those who asked', (t) => {
  const answers = new Answers()
  answers.set('text/html', headers, [3])
  t.equal(answers.get('text/html', names), undefined)
  answers.set('text/html', names, [])
  t.same(answers.get('text/html', headers), [3])
  t.same(answers.get('text/html', names), [])
  t.end()
})

t.test('what is asked for again stays, the rest goes, and memory is bounded', (t) => {
  const answers = new Answers()
  answers.set('often', headers, [1])
  answers.set('once', headers, [2])
  for (let index = 0; index < MAX_TEXTS * 4; index++) {
    answers.set(`value ${index}`, headers, [])
    if (index % 100 === 0) t.same(answers.get('often', headers), [1])
  }
  t.equal(answers.get('once', headers), undefined)
  t.ok(answers.size <= 2 * MAX_TEXTS, `${answers.size} texts are kept`)
  t.end()
})

t.test('long texts are not kept', (t) => {
  const answers = new Answers()
  answers.set('x'.repeat(MAX_LENGTH + 1), headers, [1])
  t.equal(answers.size, 0)
  t.end()
})
