import type { BoostedTrees, TreeNode } from './gradient-boosting.js'

/**
 * Writes boosted trees as an ONNX model: a TreeEnsembleRegressor (operator set ai.onnx.ml 3) and a Sigmoid over its sum.
 * Field numbers are those of onnx.proto3 (ONNX IR specification), wire format that of Protocol Buffers.
 */

const IR_VERSION = 8
const OPERATOR_SET = 13
const ML_OPERATOR_SET = 3
const FLOAT = 1

/** Types of attributes. */
const ATTRIBUTE = { int: 2, string: 3, floats: 6, ints: 7, strings: 8 } as const

function varint(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left >= 0x80; left = Math.floor(left / 128)) bytes.push((left % 128) | 0x80)
  bytes.push(left)
  return Buffer.from(bytes)
}

const intField = (field: number, value: number): Buffer => Buffer.concat([varint(field * 8), varint(value)])

const bytesField = (field: number, value: Buffer | string): Buffer => {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value
  return Buffer.concat([varint(field * 8 + 2), varint(bytes.length), bytes])
}

const floats = (values: readonly number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [at, value] of values.entries()) bytes.writeFloatLE(value, at * 4)
  return bytes
}

/** An AttributeProto inside a NodeProto. */
const attribute = (name: string, type: number, ...parts: Buffer[]): Buffer =>
  bytesField(5, Buffer.concat([bytesField(1, name), ...parts, intField(20, type)]))

const intsAttribute = (name: string, values: readonly number[]): Buffer =>
  attribute(name, ATTRIBUTE.ints, bytesField(8, Buffer.concat(values.map(varint))))
const floatsAttribute = (name: string, values: readonly number[]): Buffer =>
  attribute(name, ATTRIBUTE.floats, bytesField(7, floats(values)))
const stringsAttribute = (name: string, values: readonly string[]): Buffer =>
  attribute(name, ATTRIBUTE.strings, ...values.map((value) => bytesField(9, value)))
const stringAttribute = (name: string, value: string): Buffer =>
  attribute(name, ATTRIBUTE.string, bytesField(4, value))
const intAttribute = (name: string, value: number): Buffer =>
  attribute(name, ATTRIBUTE.int, intField(3, value))

const node = (
  operator: string,
  domain: string,
  input: string,
  output: string,
  ...attributes: Buffer[]
): Buffer =>
  bytesField(
    1,
    Buffer.concat([
      bytesField(1, input),
      bytesField(2, output),
      bytesField(4, operator),
      ...attributes,
      bytesField(7, domain),
    ]),
  )

/** A tensor of floats with any number of rows, as input (field 11) or output (field 12) of the graph. */
function tensor(field: number, name: string, columns: number): Buffer {
  const rows = bytesField(1, bytesField(2, 'N'))
  const width = bytesField(1, intField(1, columns))
  const type = Buffer.concat([intField(1, FLOAT), bytesField(2, Buffer.concat([rows, width]))])
  return bytesField(field, Buffer.concat([bytesField(1, name), bytesField(2, bytesField(1, type))]))
}

const operatorSet = (domain: string, version: number): Buffer =>
  bytesField(8, Buffer.concat([bytesField(1, domain), intField(2, version)]))

/** The nodes of all trees as the parallel lists that the operator takes. */
class NodeLists {
  readonly trees: number[] = []
  readonly ids: number[] = []
  readonly features: number[] = []
  readonly thresholds: number[] = []
  readonly modes: string[] = []
  readonly whenTrue: number[] = []
  readonly whenFalse: number[] = []
  readonly leafTrees: number[] = []
  readonly leafIds: number[] = []
  readonly weights: number[] = []

  addTree(tree: number, root: TreeNode): void {
    let next = 0
    const add = (from: TreeNode): number => {
      const id = next++
      const at = this.ids.length
      const leaf = 'value' in from
      this.trees.push(tree)
      this.ids.push(id)
      this.features.push(leaf ? 0 : from.feature)
      this.thresholds.push(leaf ? 0 : from.threshold)
      this.modes.push(leaf ? 'LEAF' : 'BRANCH_LEQ')
      this.whenTrue.push(0)
      this.whenFalse.push(0)
      if (leaf) {
        this.leafTrees.push(tree)
        this.leafIds.push(id)
        this.weights.push(from.value)
      } else {
        this.whenTrue[at] = add(from.left)
        this.whenFalse[at] = add(from.right)
      }
      return id
    }
    add(root)
  }
}

/** @param features columns of the input `features`; the output `probability` has one column */
export function writeOnnx(model: BoostedTrees, features: number, name: string): Buffer {
  const lists = new NodeLists()
  for (const [number, tree] of model.trees.entries()) lists.addTree(number, tree)
  const ensemble = node(
    'TreeEnsembleRegressor',
    'ai.onnx.ml',
    'features',
    'log_odds',
    intsAttribute('nodes_treeids', lists.trees),
    intsAttribute('nodes_nodeids', lists.ids),
    intsAttribute('nodes_featureids', lists.features),
    floatsAttribute('nodes_values', lists.thresholds),
    stringsAttribute('nodes_modes', lists.modes),
    intsAttribute('nodes_truenodeids', lists.whenTrue),
    intsAttribute('nodes_falsenodeids', lists.whenFalse),
    intsAttribute('target_treeids', lists.leafTrees),
    intsAttribute('target_nodeids', lists.leafIds),
    intsAttribute(
      'target_ids',
      lists.weights.map(() => 0),
    ),
    floatsAttribute('target_weights', lists.weights),
    floatsAttribute('base_values', [model.base]),
    intAttribute('n_targets', 1),
    stringAttribute('aggregate_function', 'SUM'),
    stringAttribute('post_transform', 'NONE'),
  )
  const graph = Buffer.concat([
    ensemble,
    node('Sigmoid', '', 'log_odds', 'probability'),
    bytesField(2, name),
    tensor(11, 'features', features),
    tensor(12, 'probability', 1),
  ])
  return Buffer.concat([
    intField(1, IR_VERSION),
    bytesField(2, 'portcullis'),
    bytesField(7, graph),
    operatorSet('', OPERATOR_SET),
    operatorSet('ai.onnx.ml', ML_OPERATOR_SET),
  ])
}
