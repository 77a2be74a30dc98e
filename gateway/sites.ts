import type { DetectionConfig } from '../detectors/config.js'
import type { PhaseReport } from '../detectors/modes.js'
import { effectiveModes } from '../detectors/modes.js'
import type { Pipeline } from '../detectors/pipeline.js'
import { createPipeline } from '../detectors/pipeline.js'
import type { Clock, CounterStore } from '../detectors/ports.js'
import type { PhaseName } from '../detectors/verdict.js'
import { messageOf } from '../runtime/errors.js'
import type { AnswerSnapshot } from './answers/answer.js'
import { LiveAnswers } from './answers/live-answers.js'
import type { GatewayConfig, SiteConfig } from './config.js'
import { siteDetection } from './detection-override.js'
import { openGeo } from './geo.js'
import { bodyLimits } from './body-limits.js'
import { nodeRuleFiles } from './rule-files.js'
import type { Site } from './site.js'
import { SiteTable } from './site.js'
import { SitePipeline } from './site-pipeline.js'
import { Upstream } from './upstream/upstream.js'

/** Name of the site when there is only one, given by `upstream`. */
export const DEFAULT_SITE = 'default'

export interface SitesOptions {
  readonly config: GatewayConfig
  readonly detection: DetectionConfig
  /** Runs only these phases. */
  readonly only: readonly PhaseName[] | undefined
  readonly clock: Clock
  readonly counters: CounterStore
  /** Nanoseconds, for the timings of phases; undefined measures nothing. */
  readonly monotonic: (() => number) | undefined
  readonly warn: (message: string) => void
}

export interface PatchFailure {
  readonly site: string
  readonly reason: string
}

/** All sites of one thread. */
export interface Sites {
  readonly table: SiteTable
  /** The mode that each phase runs in, by site. */
  readonly modes: Readonly<Record<string, readonly PhaseReport[]>>
  /** Puts other answers in place; says of which sites the patches could not be, whose old ones stay. */
  answer(snapshot: AnswerSnapshot): readonly PatchFailure[]
  /** Closes the connections to all upstreams; waits for requests in flight at most `graceMs`. */
  close(graceMs: number): Promise<void>
}

const SECLANG_RESPONSE_BODY = 4

const mayReadResponse = (pipeline: Pipeline): boolean => {
  for (const rule of pipeline.rules.values()) if (rule.seclangPhase === SECLANG_RESPONSE_BODY) return true
  return false
}

const upstreamOf = (origin: string, { timeouts, limits }: GatewayConfig): Upstream =>
  new Upstream({
    origin,
    connectMs: timeouts.connect * 1000,
    headersMs: timeouts.response_headers * 1000,
    bodyMs: timeouts.response_body * 1000,
    maxRequests: limits.upstream_requests,
  })

/** Pipelines by settings and upstreams by origin: sites that agree share them. */
class Makers {
  readonly upstreams = new Map<string, Upstream>()
  readonly modes: Record<string, readonly PhaseReport[]> = {}
  readonly answers = new LiveAnswers()
  readonly pipelines = new Map<string, SitePipeline>()
  readonly #options: SitesOptions

  constructor(options: SitesOptions) {
    this.#options = options
  }

  async site(
    name: string,
    origin: string | undefined,
    own: Pick<SiteConfig, 'routes' | 'detection'>,
  ): Promise<Site> {
    const { config, detection, only, clock, counters, monotonic, warn } = this.#options
    const settings = siteDetection(name, detection, own.detection)
    const { database, asn_database: asnDatabase } = settings.phases.geoip
    const geo = await openGeo(database, asnDatabase)
    const pipeline = createPipeline(settings, {
      ports: {
        clock,
        counters,
        answers: this.answers,
        environment: listedVariables(settings.rule_environment),
        ...(geo === undefined ? {} : { geo }),
      },
      files: nodeRuleFiles,
      warn: (message) => warn(name === DEFAULT_SITE ? message : `site ${name}: ${message}`),
      site: name,
      ...(only === undefined ? {} : { only }),
      ...(monotonic === undefined ? {} : { monotonic }),
    })
    this.modes[name] = effectiveModes(settings, only)
    const patchable = new SitePipeline(pipeline)
    this.pipelines.set(name, patchable)
    const say = (message: string): void => warn(name === DEFAULT_SITE ? message : `site ${name}: ${message}`)
    return {
      name,
      pipeline: patchable,
      mode: settings.mode,
      mayReadResponse: mayReadResponse(pipeline),
      ...bodyLimits(config.limits, pipeline.settings, say),
      upstream: origin === undefined ? undefined : this.#upstream(origin, config),
      routes: [...own.routes].sort((one, other) => other.path.length - one.path.length),
    }
  }

  #upstream(origin: string, config: GatewayConfig): Upstream {
    const known = this.upstreams.get(origin)
    if (known !== undefined) return known
    const upstream = upstreamOf(origin, config)
    this.upstreams.set(origin, upstream)
    return upstream
  }
}

/**
 * Makes the sites of a configuration: loads and compiles their rules, opens their databases.
 *
 * @throws GatewayError, DetectorError or SecLangError for what cannot be honoured
 */
export const openSites = async (options: SitesOptions): Promise<Sites> => {
  const { config } = options
  const makers = new Makers(options)
  const entries: (readonly [Site, readonly string[]])[] = []
  for (const site of config.sites)
    entries.push([await makers.site(site.name, site.upstream, site), site.hosts])
  const fallback =
    entries[0]?.[0] ?? (await makers.site(DEFAULT_SITE, config.upstream, { routes: config.routes }))
  const upstreams = [...makers.upstreams.values()]
  return {
    table: new SiteTable(fallback, entries),
    modes: makers.modes,
    answer: (snapshot) => {
      makers.answers.replace(snapshot)
      return [...snapshot.patches].flatMap(([site, rules]) => {
        try {
          makers.pipelines.get(site)?.patch(rules)
          return []
        } catch (error) {
          return [{ site, reason: messageOf(error) }]
        }
      })
    },
    close: async (graceMs) => {
      const cut = setTimeout(() => {
        for (const upstream of upstreams) upstream.destroy()
      }, graceMs)
      await Promise.all(upstreams.map((upstream) => upstream.close()))
      clearTimeout(cut)
    },
  }
}

/** The variables of this process that rules may read; one that is not set is not there. */
const listedVariables = (names: readonly string[]): ReadonlyMap<string, string> =>
  new Map(
    names.flatMap((name): [string, string][] => {
      const value = process.env[name]
      return value === undefined ? [] : [[name, Buffer.from(value).toString('latin1')]]
    }),
  )
