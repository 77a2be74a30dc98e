/** What a role that serves hands back; see `runRole`. */
export interface RunningRole {
  /** Facts for whoever started it, e.g. `{ listen: '127.0.0.1:8080' }`. JSON. */
  readonly info?: Readonly<Record<string, unknown>>
  /** Named readiness checks: each throws or returns why it is not ready; `undefined` means ready. */
  readonly checks?: Readonly<Record<string, () => string | undefined | Promise<string | undefined>>>
  /** Its metrics in Prometheus' text format. */
  readonly metrics?: () => Promise<string>
  /** Finishes what is in flight, then releases everything. */
  stop(): Promise<void>
}
