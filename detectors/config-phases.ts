import { z } from 'zod'

type ModeSetting = z.ZodOptional<z.ZodEnum<{ block: 'block'; detect: 'detect'; off: 'off' }>>

/** `ip_allow` and `ip_block`. */
export const ipListConfig = (mode: ModeSetting) =>
  z
    .strictObject({
      mode,
      addresses: z
        .array(z.string().min(1))
        .default([])
        .describe('Addresses and CIDR networks, IPv4 and IPv6. Default: none.'),
      files: z
        .array(z.string().min(1))
        .default([])
        .describe(
          'Files with one address or network a line, `#` for comments, a million lines and more. Default: none.',
        ),
    })
    .prefault({})

/** `url_allow` and `url_block`. */
export const urlListConfig = (mode: ModeSetting) =>
  z
    .strictObject({
      mode,
      paths: z
        .array(z.string().min(1))
        .default([])
        .describe(
          'Paths: exact (`/health`), a folder with all below it (`/admin/*`), or with `*` and `?` inside a segment and `**` ' +
            'across segments. Default: none.',
        ),
    })
    .prefault({})

const limitConfig = z.strictObject({
  path: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Route that the limit is for, as a path pattern; it has its own buckets. Default: every path, together.',
    ),
  methods: z
    .array(z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/))
    .optional()
    .describe('Methods that the limit is for. Default: all.'),
  requests: z
    .int()
    .min(1)
    .max(1_000_000)
    .describe('Requests that a client may make in `per` seconds, on average.'),
  per: z.number().min(0.1).max(86_400).default(1).describe('Seconds that `requests` are for. Default 1.'),
  burst: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Requests that may come at once after a pause. Default: `requests`.'),
})

export const rateLimitConfig = (mode: ModeSetting) =>
  z
    .strictObject({
      mode,
      limits: z
        .array(limitConfig)
        .max(100)
        .default([])
        .describe(
          'Limits, each one a token bucket per client, site and route; IPv6 clients are counted by their /64. A request has to ' +
            'pass every limit that is for it. Over one of them it gets 429 with Retry-After. Default: none, nothing is limited.',
        ),
      ban: z
        .strictObject({
          after: z
            .int()
            .min(1)
            .max(100_000)
            .describe(
              'Refused requests within `within` seconds after which a client is banned from the site.',
            ),
          within: z.number().min(1).max(86_400).default(600).describe('Seconds. Default 600.'),
          for: z
            .number()
            .min(1)
            .max(2_592_000)
            .default(3600)
            .describe('Length of the ban in seconds. Default 3600.'),
        })
        .optional()
        .describe('Bans clients that keep running into limits. Default: off.'),
    })
    .prefault({})
    .describe('Phase 5. How many requests one client may make.')

const paranoiaLevel = z.int().min(1).max(4).optional()
const scoreThreshold = z.int().min(1).max(10_000).optional()

export const owaspCrsConfig = (mode: ModeSetting) =>
  z
    .strictObject({
      mode,
      dir: z
        .string()
        .min(1)
        .optional()
        .describe(
          'Folder of a Core Rule Set release, with `crs-setup.conf` (or `crs-setup.conf.example`) and `rules/`. Loaded as it ' +
            'is. Default: none, the phase is idle.',
        ),
      paranoia_level: paranoiaLevel.describe(
        'Rules up to this level count, 1 to 4. A higher one finds more and refuses more that is harmless. Default: what ' +
          '`crs-setup.conf` says, else 1.',
      ),
      detection_paranoia_level: paranoiaLevel.describe(
        'Rules up to this level run and are logged, without counting above `paranoia_level`; for trying a higher level. ' +
          'Default: what `crs-setup.conf` says, else `paranoia_level`.',
      ),
      inbound_threshold: scoreThreshold.describe(
        'From this sum of points on a request is refused; one critical rule scores 5. Default: what `crs-setup.conf` says, ' +
          'else 5.',
      ),
      outbound_threshold: scoreThreshold.describe(
        'From this sum of points on a response is refused; one error-level rule scores 4. Default: what `crs-setup.conf` ' +
          'says, else 4.',
      ),
      early_blocking: z
        .boolean()
        .default(false)
        .describe(
          'Also compare the sums after the request headers and after the response headers, before bodies are read. ' +
            'Default false, unless `crs-setup.conf` says otherwise.',
        ),
      response_bodies: z
        .boolean()
        .default(true)
        .describe(
          'Hold and judge response bodies of text, HTML, XML and JSON, up to `gateway.limits.response_body`. Default true, as ' +
            'soon as `dir` is set. Without it responses are judged by status and headers only.',
        ),
    })
    .refine(
      ({ paranoia_level: blocking, detection_paranoia_level: detection }) =>
        blocking === undefined || detection === undefined || detection >= blocking,
      {
        path: ['detection_paranoia_level'],
        message: 'must not be lower than paranoia_level: the Core Rule Set would refuse every request',
      },
    )
    .prefault({})
    .describe('Phase 13. The OWASP Core Rule Set.')

export const hotlinkConfig = (mode: ModeSetting) =>
  z
    .strictObject({
      mode,
      extensions: z
        .array(z.string().regex(/^[A-Za-z0-9]{1,16}$/))
        .default([])
        .describe(
          'File name extensions to protect, such as `jpg`, without the dot. Default: none, the phase is idle.',
        ),
      allowed_hosts: z
        .array(z.string().regex(/^(?:\*\.)?[A-Za-z0-9.-]{1,253}$/))
        .default([])
        .describe(
          'Hosts whose pages may embed these files; `*.example.com` for all below it. Default: only the site itself.',
        ),
      allow_missing_referer: z
        .boolean()
        .default(true)
        .describe(
          'Whether requests without a Referer pass. Default true: many browsers and privacy tools send none, and they would ' +
            'lose the pictures.',
        ),
    })
    .prefault({})
    .describe('Phase 15. Refuses pictures and downloads to pages of other sites, by the Referer header.')

const country = z.string().regex(/^[A-Za-z]{2}$/)
const asn = z.int().min(0).max(4_294_967_295)

export const geoipConfig = (mode: ModeSetting) =>
  z
    .strictObject({
      mode,
      database: z.string().min(1).optional().describe('MMDB file with countries. Default: none.'),
      asn_database: z
        .string()
        .min(1)
        .optional()
        .describe('MMDB file with autonomous systems. Default: none.'),
      allow_countries: z
        .array(country)
        .default([])
        .describe(
          'ISO 3166-1 codes; when there are any, or any allowed ASN, all others are refused. Default: none.',
        ),
      deny_countries: z
        .array(country)
        .default([])
        .describe('ISO 3166-1 codes that are refused. Default: none.'),
      allow_asns: z.array(asn).default([]).describe('Autonomous systems that may come in. Default: none.'),
      deny_asns: z
        .array(asn)
        .default([])
        .describe('Autonomous systems that are refused, also from an allowed country. Default: none.'),
      unknown: z
        .enum(['allow', 'block'])
        .optional()
        .describe(
          'What happens to an address that the database does not know, such as a private one. Default: `block` when there is ' +
            'a list of allowed ones, else `allow`.',
        ),
    })
    .prefault({})
    .describe('Phase 17. Country and network policy. Needs a database as soon as a list is not empty.')
