import t from 'tap'
import {
  randomOf,
  trainBoostedTrees,
  type Row,
  type TreeNode,
} from '../../../../scanner/model/training/gradient-boosting.js'

const OPTIONS = {
  features: 6,
  trees: 40,
  leaves: 4,
  learningRate: 0.3,
  lambda: 1,
  minLeafRows: 5,
  negativeShare: 1,
  featureShare: 1,
  positiveWeight: 1,
  seed: 7,
}

/** Positive where feature 1 is above 2 or both 2 and 3 are there; feature 5 is noise. */
function rows(count: number, seed: number): Row[] {
  const random = randomOf(seed)
  return Array.from({ length: count }, () => {
    const values = [0, random() * 4, random() < 0.5 ? 1 : 0, random() < 0.5 ? 1 : 0, 0, random()]
    const label = (values[1] ?? 0) > 2 || (values[2] === 1 && values[3] === 1) ? 1 : 0
    const present = values.flatMap((value, index) => (value === 0 ? [] : [index]))
    return {
      indices: Uint16Array.from(present),
      values: Float32Array.from(present, (index) => values[index] ?? 0),
      label,
    }
  })
}

const valueOf = (root: TreeNode, row: Row): number => {
  let node = root
  while (!('value' in node)) {
    const at = row.indices.indexOf(node.feature)
    node = (at < 0 ? 0 : (row.values[at] ?? 0)) <= node.threshold ? node.left : node.right
  }
  return node.value
}

t.test('trees learn a rule of two parts and carry it to rows they have not seen', async (t) => {
  const seen: number[] = []
  const model = trainBoostedTrees(rows(2000, 1), OPTIONS, (tree) => seen.push(tree))
  t.equal(model.trees.length, 40)
  t.strictSame(seen.slice(0, 2), [0, 1])
  const test = rows(1000, 2)
  const right = test.filter(
    (row) =>
      model.trees.reduce((sum, tree) => sum + valueOf(tree, row), model.base) > 0 === (row.label === 1),
  )
  t.ok(right.length > 970, `${right.length} of 1000`)
})

t.test('the same seed gives the same trees', async (t) => {
  const options = { ...OPTIONS, trees: 5, negativeShare: 0.5, featureShare: 0.5 }
  const train = () => trainBoostedTrees(rows(300, 1), options, () => undefined)
  t.strictSame(train(), train())
  t.not(
    JSON.stringify(trainBoostedTrees(rows(300, 1), { ...options, seed: 8 }, () => undefined)),
    JSON.stringify(train()),
  )
})
