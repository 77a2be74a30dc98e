/**
 * Gradient-boosted regression trees for a binary label (Friedman 2001, with second-order leaf values), grown leaf by leaf on
 * histograms over sparse rows: what is absent from a row is 0, and its share of a histogram is what the leaf has left.
 */

export interface Row {
  /** Features that are not 0, ascending. */
  readonly indices: Uint16Array
  readonly values: Float32Array
  readonly label: 0 | 1
}

export interface BoostingOptions {
  readonly features: number
  readonly trees: number
  readonly leaves: number
  readonly learningRate: number
  /** L2 penalty on leaf values. */
  readonly lambda: number
  /** Rows a leaf needs at least. */
  readonly minLeafRows: number
  /** Share of the negative rows that each tree sees; it sees every positive one. */
  readonly negativeShare: number
  /** Share of the features that each tree may split on. */
  readonly featureShare: number
  /** How much more a positive row weighs. */
  readonly positiveWeight: number
  readonly seed: number
}

/** A node goes left when the feature is at most the threshold. A leaf has a value instead. */
export type TreeNode =
  | {
      readonly feature: number
      readonly threshold: number
      readonly left: TreeNode
      readonly right: TreeNode
    }
  | { readonly value: number }

export interface BoostedTrees {
  /** Log odds to start from. */
  readonly base: number
  readonly trees: readonly TreeNode[]
}

/** Bins of a feature; bin 0 is the value 0. */
const BINS = 32

/** A generator of numbers in [0, 1) that gives the same ones for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}

/** The rows in one piece, each value replaced by its bin. */
interface Binned {
  readonly offsets: Uint32Array
  readonly indices: Uint16Array
  readonly bins: Uint8Array
  /** Upper bounds of the bins of each feature: a value falls into the first bin whose bound is not below it. */
  readonly bounds: readonly Float32Array[]
}

function bin(rows: readonly Row[], features: number): Binned {
  const offsets = new Uint32Array(rows.length + 1)
  const counts = new Uint32Array(features)
  for (const [number, row] of rows.entries()) {
    offsets[number + 1] = (offsets[number] ?? 0) + row.indices.length
    for (const index of row.indices) counts[index] = (counts[index] ?? 0) + 1
  }
  const columns = Array.from(counts, (count) => new Float32Array(count))
  counts.fill(0)
  for (const row of rows)
    for (const [at, index] of row.indices.entries()) {
      const column = columns[index]
      const place = counts[index] ?? 0
      if (column) column[place] = row.values[at] ?? 0
      counts[index] = place + 1
    }
  const bounds = columns.map(boundsOf)
  const indices = new Uint16Array(offsets[rows.length] ?? 0)
  const bins = new Uint8Array(indices.length)
  let place = 0
  for (const row of rows)
    for (const [at, index] of row.indices.entries()) {
      indices[place] = index
      bins[place] = binOf(bounds[index] ?? EMPTY, row.values[at] ?? 0)
      place++
    }
  return { offsets, indices, bins, bounds }
}

const EMPTY = new Float32Array(0)

/** Bounds at the quantiles of the values that are not 0; the first bound is 0 itself. */
function boundsOf(column: Float32Array): Float32Array {
  const sorted = column.toSorted()
  const bounds = new Set<number>([0])
  for (let quantile = 1; quantile < BINS - 1; quantile++) {
    const value = sorted[Math.floor((sorted.length * quantile) / (BINS - 1))]
    if (value !== undefined) bounds.add(value)
  }
  return Float32Array.from(bounds).toSorted()
}

function binOf(bounds: Float32Array, value: number): number {
  let low = 0
  let high = bounds.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((bounds[middle] ?? 0) >= value) high = middle
    else low = middle + 1
  }
  return low
}

interface Leaf {
  readonly rows: Uint32Array
  readonly gradient: number
  readonly hessian: number
  /** Sums of gradient, hessian and rows by feature and bin. */
  readonly histogram: Float64Array
  split: Split | undefined
  /** Where the finished node goes. */
  readonly place: (node: TreeNode) => void
}

interface Split {
  readonly gain: number
  readonly feature: number
  readonly bin: number
}

const STRIDE = 3

class Trainer {
  readonly #binned: Binned
  readonly #scores: Float64Array
  readonly #gradients: Float64Array
  readonly #hessians: Float64Array
  readonly #random: () => number
  #allowed: Uint16Array = new Uint16Array(0)

  constructor(
    readonly rows: readonly Row[],
    readonly options: BoostingOptions,
    readonly base: number,
  ) {
    this.#binned = bin(rows, options.features)
    this.#scores = new Float64Array(rows.length).fill(base)
    this.#gradients = new Float64Array(rows.length)
    this.#hessians = new Float64Array(rows.length)
    this.#random = randomOf(options.seed)
  }

  grow(): TreeNode {
    const { options, rows } = this
    for (const [number, row] of rows.entries()) {
      const probability = 1 / (1 + Math.exp(-(this.#scores[number] ?? 0)))
      const weight = row.label === 1 ? options.positiveWeight : 1
      this.#gradients[number] = weight * (probability - row.label)
      this.#hessians[number] = Math.max(weight * probability * (1 - probability), 1e-9)
    }
    const bag = rows.flatMap((row, number) =>
      row.label === 1 || this.#random() < options.negativeShare ? [number] : [],
    )
    this.#allowed = Uint16Array.from(
      Array.from({ length: options.features }, (_, feature) => feature).filter(
        () => this.#random() < options.featureShare,
      ),
    )
    const root = this.#growFrom(Uint32Array.from(bag))
    for (let number = 0; number < rows.length; number++)
      this.#scores[number] = (this.#scores[number] ?? 0) + this.#valueOf(root, number)
    return root
  }

  #growFrom(bag: Uint32Array): TreeNode {
    let root: TreeNode = { value: 0 }
    const first = this.#leaf(bag, this.#histogram(bag), (node) => (root = node))
    const open: Leaf[] = [first]
    while (open.length < this.options.leaves) {
      let best = -1
      for (const [at, leaf] of open.entries())
        if (leaf.split && leaf.split.gain > (best < 0 ? 0 : (open[best]?.split?.gain ?? 0))) best = at
      const leaf = open[best]
      if (!leaf?.split) break
      open.splice(best, 1, ...this.#divide(leaf, leaf.split))
    }
    for (const leaf of open)
      leaf.place({
        value: (-this.options.learningRate * leaf.gradient) / (leaf.hessian + this.options.lambda),
      })
    return root
  }

  #divide(leaf: Leaf, split: Split): [Leaf, Leaf] {
    const goesLeft = (row: number): boolean => this.#binAt(row, split.feature) <= split.bin
    const leftRows = leaf.rows.filter(goesLeft)
    const rightRows = leaf.rows.filter((row) => !goesLeft(row))
    // Only the smaller side is counted; the other is the difference.
    const smaller = this.#histogram(leftRows.length < rightRows.length ? leftRows : rightRows)
    const larger = leaf.histogram.map((sum, at) => sum - (smaller[at] ?? 0))
    let left: TreeNode = { value: 0 }
    let right: TreeNode = { value: 0 }
    const threshold = this.#binned.bounds[split.feature]?.[split.bin] ?? 0
    const place = (): void => leaf.place({ feature: split.feature, threshold, left, right })
    const [leftHistogram, rightHistogram] =
      leftRows.length < rightRows.length ? [smaller, larger] : [larger, smaller]
    return [
      this.#leaf(leftRows, leftHistogram, (node) => {
        left = node
        place()
      }),
      this.#leaf(rightRows, rightHistogram, (node) => {
        right = node
        place()
      }),
    ]
  }

  #leaf(rows: Uint32Array, histogram: Float64Array, place: (node: TreeNode) => void): Leaf {
    let gradient = 0
    let hessian = 0
    for (const row of rows) {
      gradient += this.#gradients[row] ?? 0
      hessian += this.#hessians[row] ?? 0
    }
    const leaf: Leaf = { rows, gradient, hessian, histogram, split: undefined, place }
    leaf.split = this.#bestSplit(leaf)
    return leaf
  }

  #histogram(rows: Uint32Array): Float64Array {
    const { offsets, indices, bins } = this.#binned
    const histogram = new Float64Array(this.options.features * BINS * STRIDE)
    for (const row of rows) {
      const gradient = this.#gradients[row] ?? 0
      const hessian = this.#hessians[row] ?? 0
      const end = offsets[row + 1] ?? 0
      for (let at = offsets[row] ?? 0; at < end; at++) {
        const cell = ((indices[at] ?? 0) * BINS + (bins[at] ?? 0)) * STRIDE
        histogram[cell] = (histogram[cell] ?? 0) + gradient
        histogram[cell + 1] = (histogram[cell + 1] ?? 0) + hessian
        histogram[cell + 2] = (histogram[cell + 2] ?? 0) + 1
      }
    }
    return histogram
  }

  #bestSplit({ rows, gradient, hessian, histogram }: Leaf): Split | undefined {
    const { lambda, minLeafRows } = this.options
    if (rows.length < 2 * minLeafRows) return undefined
    const score = (g: number, h: number): number => (g * g) / (h + lambda)
    const whole = score(gradient, hessian)
    let best: Split | undefined
    for (const feature of this.#allowed) {
      const first = feature * BINS * STRIDE
      const bounds = this.#binned.bounds[feature]?.length ?? 0
      let g = gradient
      let h = hessian
      let n = rows.length
      for (let at = 1; at <= bounds; at++) {
        g -= histogram[first + at * STRIDE] ?? 0
        h -= histogram[first + at * STRIDE + 1] ?? 0
        n -= histogram[first + at * STRIDE + 2] ?? 0
      }
      // What is left now is bin 0; going up, one bin after another joins the left side.
      for (let at = 0; at < bounds; at++) {
        if (at > 0) {
          g += histogram[first + at * STRIDE] ?? 0
          h += histogram[first + at * STRIDE + 1] ?? 0
          n += histogram[first + at * STRIDE + 2] ?? 0
        }
        if (n < minLeafRows) continue
        if (rows.length - n < minLeafRows) break
        const gain = score(g, h) + score(gradient - g, hessian - h) - whole
        if (gain > (best?.gain ?? 1e-6)) best = { gain, feature, bin: at }
      }
    }
    return best
  }

  #binAt(row: number, feature: number): number {
    const { offsets, indices, bins } = this.#binned
    let low = offsets[row] ?? 0
    let high = offsets[row + 1] ?? 0
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((indices[middle] ?? 0) < feature) low = middle + 1
      else high = middle
    }
    return low < (offsets[row + 1] ?? 0) && indices[low] === feature ? (bins[low] ?? 0) : 0
  }

  #valueOf(node: TreeNode, row: number): number {
    let at = node
    while (!('value' in at)) {
      const bounds = this.#binned.bounds[at.feature] ?? EMPTY
      at = (bounds[this.#binAt(row, at.feature)] ?? Infinity) <= at.threshold ? at.left : at.right
    }
    return at.value
  }
}

/** Trains from the first row to the last tree; `progress` is told after each. */
export function trainBoostedTrees(
  rows: readonly Row[],
  options: BoostingOptions,
  progress: (tree: number) => void,
): BoostedTrees {
  const positives = rows.filter((row) => row.label === 1).length * options.positiveWeight
  const negatives = rows.filter((row) => row.label === 0).length
  const base = Math.log(positives / negatives)
  const trainer = new Trainer(rows, options, base)
  const trees: TreeNode[] = []
  for (let tree = 0; tree < options.trees; tree++) {
    trees.push(trainer.grow())
    progress(tree)
  }
  return { base, trees }
}
