import { readFileSync } from 'node:fs'
import type { OperatorLoadContext, OperatorRun } from '../../../../detectors/seclang/operator.js'
import type { GeoReader } from '../../../../detectors/ports.js'

/** A run that records what an operator reports. */
export interface RecordedRun extends OperatorRun {
  readonly captures: string[]
  readonly limits: string[]
  readonly found: [offset: number, length: number][]
  geoRecord: ReadonlyMap<string, string> | undefined
}

export function recordedRun(
  options: { macros?: Record<string, string>; geo?: GeoReader; capturing?: boolean } = {},
): RecordedRun {
  const run: RecordedRun = {
    capturing: options.capturing ?? true,
    captures: [],
    limits: [],
    found: [],
    locating: true,
    matchedAt: (offset, length) => {
      run.found.push([offset, length])
    },
    geoRecord: undefined,
    setCapture: (index, text) => {
      run.captures[index] = text
    },
    expand: (template) =>
      template.replace(/%\{([^}]+)\}/g, (_, name: string) => options.macros?.[name] ?? ''),
    truncate: (limit) => {
      run.limits.push(limit)
    },
    setGeo: (record) => {
      run.geoRecord = record
    },
    ...(options.geo === undefined ? {} : { geo: options.geo }),
  }
  return run
}

export function loadContext(
  directory = '/',
  rename: (path: string) => string = (path) => path,
): OperatorLoadContext {
  return {
    position: { file: 'test.conf', line: 7 },
    directory,
    files: { read: (path) => readFileSync(rename(path), 'latin1'), expand: (pattern) => [pattern] },
  }
}
