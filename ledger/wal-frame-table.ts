import type { FrameLocation } from './wal-recovery.js'

/** Where each frame of the write-ahead log stands; plain number columns, because a long log has millions of frames. */
export class FrameTable {
  readonly #firsts: number[] = []
  readonly #offsets: number[] = []
  /** Segment of each frame, as a position in `#segments`. */
  readonly #segmentOf: number[] = []
  readonly #segments: { readonly first: number; readonly seed: number }[] = []
  #entries = 0

  /** Entries in all frames. */
  get entries(): number {
    return this.#entries
  }

  push(location: FrameLocation, seed: number): void {
    const last = this.#segments.at(-1)
    if (last?.first !== location.segment) this.#segments.push({ first: location.segment, seed })
    this.#firsts.push(location.first)
    this.#offsets.push(location.offset)
    this.#segmentOf.push(this.#segments.length - 1)
    this.#entries = location.first + location.count
  }

  /** Position of the frame that holds entry `index`, which must be below `entries`. */
  find(index: number): number {
    let low = 0
    let high = this.#firsts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >>> 1
      if ((this.#firsts[middle] ?? Infinity) <= index) low = middle
      else high = middle - 1
    }
    return low
  }

  /** @throws RangeError when there is no frame at `position`. */
  at(position: number): FrameLocation & { readonly seed: number } {
    const first = this.#firsts[position]
    const offset = this.#offsets[position]
    const segment = this.#segments[this.#segmentOf[position] ?? -1]
    if (first === undefined || offset === undefined || segment === undefined) {
      throw new RangeError(`no frame ${position}`)
    }
    const end = this.#firsts[position + 1] ?? this.#entries
    return { segment: segment.first, offset, first, count: end - first, seed: segment.seed }
  }
}
