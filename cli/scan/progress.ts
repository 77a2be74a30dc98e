import { Presets, SingleBar } from 'cli-progress'

/** How far a scan is, on a terminal. */
export interface Progress {
  /** Makes room for a line of output. */
  clear(): void
  /** A file more is judged. */
  count(done: number, found: number): void
  /** How many there are in all, once that is known; until then no time left is shown. */
  total(files: number): void
  stop(): void
}

/** Milliseconds over which the rate is taken: what was scanned an hour ago says little about now. */
const WINDOW = 10_000

/** The rate of the last seconds, in things per second. */
export class Rate {
  #samples: { readonly at: number; readonly done: number }[] = []

  /** @param at milliseconds */
  add(at: number, done: number): void {
    const last = this.#samples.at(-1)
    if (last && at - last.at < WINDOW / 20) return
    this.#samples.push({ at, done })
    this.#samples = this.#samples.filter((sample) => at - sample.at <= WINDOW)
  }

  /** Undefined while too little is known. */
  at(now: number, done: number): number | undefined {
    const [first] = this.#samples
    if (!first || now - first.at < 500) return undefined
    return ((done - first.done) * 1000) / (now - first.at)
  }
}

/** The line that stands under a scan. */
export function progressLine(
  done: number,
  total: number | undefined,
  found: number,
  rate: number | undefined,
): string {
  const parts = [
    total === undefined ? `scanned ${done} files` : `scanned ${done} of ${total} files`,
    `${found} found`,
  ]
  if (rate !== undefined) parts.push(`${Math.round(rate)} files/s`)
  if (total !== undefined && rate !== undefined && rate > 0)
    parts.push(`${duration((total - done) / rate)} left`)
  return parts.join(' | ')
}

function duration(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)]
  if (hours > 0) return `${hours} h ${minutes} min`
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`
}

export function showProgress(stream: NodeJS.WritableStream): Progress {
  const rate = new Rate()
  let done = 0
  let found = 0
  let total: number | undefined
  const bar = new SingleBar(
    {
      format: () => progressLine(done, total, found, rate.at(performance.now(), done)),
      stream,
      hideCursor: null,
    },
    Presets.legacy,
  )
  bar.start(0, 0)
  return {
    clear: () => stream.write('\r\x1b[K'),
    count(judged, ofThem) {
      done = judged
      found = ofThem
      // A folder may have grown since it was counted.
      if (total !== undefined) total = Math.max(total, done)
      rate.add(performance.now(), done)
      bar.update(done)
    },
    total(files) {
      total = Math.max(files, done)
    },
    stop: () => bar.stop(),
  }
}
