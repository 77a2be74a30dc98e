import t from 'tap'
import { stateAfter, stateFrom } from '../../../incidents/inbound/tracker-state.js'

const states = {
  open: 'todo',
  triaged: 'todo',
  in_progress: 'doing',
  resolved: 'done',
  false_positive: 'done',
}

t.test('a word that stands for several states means the plainest', async (t) => {
  t.equal(stateFrom('done', states), 'resolved')
  t.equal(stateFrom('todo', states), 'open')
  t.equal(stateFrom('doing', states), 'in_progress')
  t.equal(stateFrom('done', { ...states, false_positive: 'wrong' }), 'resolved')
  t.equal(stateFrom('wrong', { ...states, false_positive: 'wrong' }), 'false_positive')
  t.equal(stateFrom('review', states), undefined)
})

t.test("a tracker's own word re-opens what was over and says nothing else", async (t) => {
  t.equal(stateAfter('done', 'backlog', states), 'open')
  t.equal(stateAfter('doing', 'review', states), undefined)
  t.equal(stateAfter('review', 'done', states), 'resolved')
})
