import { readFileSync } from 'node:fs'

import { detectionConfig, type DetectionConfigInput } from '../../detectors/config.js'
import type { InspectionResult } from '../../detectors/inspection.js'
import { MemoryCounterStore } from '../../detectors/memory-counters.js'
import { createPipeline, type Pipeline, type PipelineDeps } from '../../detectors/pipeline.js'
import type { RuleFiles } from '../../detectors/ports.js'
import type { HeaderList } from '../../detectors/request.js'

export interface TestRequest {
  readonly method?: string
  readonly target?: string
  readonly headers?: HeaderList
  /** A byte string. */
  readonly body?: string
  readonly address?: string
}

/** Rule files from disk; `extra` adds some that are not there. */
export function ruleFiles(extra: Readonly<Record<string, string>> = {}): RuleFiles {
  const expand = (path: string): readonly string[] => {
    if (!path.includes('*')) return [path]
    const pattern = new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\*/g, '[^/]*')}$`)
    return Object.keys(extra)
      .filter((name) => pattern.test(name))
      .sort()
  }
  return { read: (path) => extra[path] ?? readFileSync(path, 'latin1'), expand }
}

/** A site with a clock that stands still until told otherwise. */
export class Site {
  now = 1_700_000_000_000
  readonly warnings: string[] = []
  readonly pipeline: Pipeline

  constructor(
    config: DetectionConfigInput = {},
    files: Readonly<Record<string, string>> = {},
    deps: Partial<PipelineDeps> = {},
  ) {
    this.pipeline = createPipeline(detectionConfig.parse(config), {
      ports: { clock: { now: () => this.now }, counters: new MemoryCounterStore() },
      files: ruleFiles(files),
      warn: (message) => this.warnings.push(message),
      ...deps,
    })
  }

  inspect(request: TestRequest) {
    const headers: HeaderList = [
      ['Host', 'www.example.com'],
      ...(request.headers?.some(([name]) => name === 'User-Agent')
        ? []
        : [['User-Agent', 'curl/8.5.0'] as const]),
      ...(request.headers ?? []),
    ]
    return this.pipeline.inspect(
      {
        address: request.address ?? '192.0.2.1',
        port: 40000,
        serverAddress: '127.0.0.1',
        serverPort: 80,
        tls: false,
      },
      {
        requestId: '0190a5b4-7c1e-7f00-8000-1234567890ab',
        method: request.method ?? (request.body === undefined ? 'GET' : 'POST'),
        target: request.target ?? '/',
        httpVersion: '1.1',
        headers,
      },
    )
  }

  /** Drives an inspection as a gateway does, up to the request's body. */
  judge(request: TestRequest): InspectionResult {
    const inspection = this.inspect(request)
    const goes = (action: string): boolean => action === 'allow' || action === 'log'
    if (goes(inspection.client().action) && goes(inspection.requestHeaders().action)) {
      inspection.requestBody({ bytes: Buffer.from(request.body ?? '', 'latin1'), complete: true })
    }
    return inspection.end()
  }
}

const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`)

/** Every place of a request that a value can stand in. */
export const PLACES: Readonly<Record<string, (value: string) => TestRequest>> = {
  query: (value) => ({ target: `/search?q=${encode(value)}` }),
  'query name': (value) => ({ target: `/search?${encode(value)}=1` }),
  form: (value) => ({
    headers: [['Content-Type', 'application/x-www-form-urlencoded']],
    body: `a=1&comment=${encode(value)}`,
  }),
  'JSON value': (value) => ({
    headers: [['Content-Type', 'application/json']],
    body: bytes(JSON.stringify({ order: { id: 7, notes: [value] } })),
  }),
  'JSON key': (value) => ({
    headers: [['Content-Type', 'application/json; charset=utf-8']],
    body: bytes(JSON.stringify({ order: { [value]: 1 } })),
  }),
  cookie: (value) => ({ headers: [['Cookie', `theme=dark; pref=${encode(value)}`]] }),
  header: (value) => ({ headers: [['X-Custom', bytes(value.replace(/[\r\n]+/g, ' '))]] }),
  multipart: (value) => ({
    headers: [['Content-Type', 'multipart/form-data; boundary=xYzZy']],
    body: bytes(`--xYzZy\r\nContent-Disposition: form-data; name="comment"\r\n\r\n${value}\r\n--xYzZy--\r\n`),
  }),
  'plain text': (value) => ({ headers: [['Content-Type', 'text/plain']], body: bytes(value) }),
  path: (value) => ({ target: `/files/${encode(value)}` }),
}
