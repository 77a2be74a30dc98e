import { z } from 'zod'
import { archiveLimits } from './archive/limits.js'
import { icapConfig } from './protocols/icap/config.js'
import { isPublicKeyText } from './signatures/bundle.js'
import { scanPolicyConfig } from './policy.js'
import { scheduledScan } from './schedule.js'
import { hostPort } from '../runtime/host-port.js'
import { MAX_SOCKET_PATH } from '../runtime/listen.js'
import { secretReference } from '../runtime/secret.js'

const MiB = 1024 * 1024

/** `scanner:` in the configuration. */
export const scannerConfig = z
  .strictObject({
    jobs: z
      .number()
      .int()
      .min(1)
      .max(256)
      .optional()
      .describe('Worker processes. Default: one per processor. Each holds its own compiled rules in memory.'),
    max_file_size: z
      .number()
      .int()
      .min(1)
      .max(2047 * MiB)
      .default(256 * MiB)
      .describe(
        'Bytes. A larger file is reported as skipped (too_large), never read in part and never called clean.',
      ),
    file_timeout_seconds: z
      .number()
      .positive()
      .max(3600)
      .default(60)
      .describe('After this the worker is killed and the file gets the verdict error (timeout).'),
    hash_lists: z
      .array(z.string())
      .default([])
      .describe(
        'Digests of malicious files, beside our own list: databases made by `portcullis hashes import`, or text lists (plain, CSV of MalwareBazaar, ClamAV .hdb and .hsb).',
      ),
    allow_lists: z
      .array(z.string())
      .default([])
      .describe(
        'Digests of files that are known to be good, in the same formats and as CSV of the NSRL. By SHA-256 nothing else is asked; by SHA-1 or MD5 only heuristics and the model keep silent.',
      ),
    yara_rules: z
      .array(z.string())
      .default([])
      .describe(
        'YARA rule files and folders of them (a pack when `pack.json` is there), beside our own rules.',
      ),
    yara_engine: z
      .enum(['auto', 'native', 'wasm'])
      .default('auto')
      .describe(
        '`auto` takes the native engine, and the much slower portable one where there is no build of it.',
      ),
    raw: z.boolean().default(false).describe('Judge files as they are, without what is packed in them.'),
    policy: scanPolicyConfig.prefault({}),
    builtin_rules: z
      .boolean()
      .default(true)
      .describe('Load the rules and lists that come with the product (EICAR and a few more).'),
    max_stream_size: z
      .number()
      .int()
      .min(1)
      .max(2047 * MiB)
      .default(100 * MiB)
      .describe(
        'Bytes of a content that is sent over a connection, when max_file_size is not less. More is refused with an ' +
          'error and not judged. Contents over 1 MiB lie in private files of the temporary folder meanwhile.',
      ),
    clamd: z
      .strictObject({
        socket: z
          .string()
          .refine(
            (path) => Buffer.byteLength(path) <= MAX_SOCKET_PATH,
            `must have at most ${MAX_SOCKET_PATH} bytes, as paths of sockets do`,
          )
          .optional()
          .describe(
            "Unix socket for clamd's protocol (0660): who may connect may have every file judged that the scanner can read.",
          ),
        listen: hostPort
          .optional()
          .describe(
            'TCP address for the same protocol. It has no encryption and no password, so it takes only PING, VERSION and ' +
              'INSTREAM (and IDSESSION around them); keep it on a private address.',
          ),
      })
      .prefault({})
      .describe("Serving clamd's clients. Default: not served."),
    icap: icapConfig,
    model: z
      .boolean()
      .default(true)
      .describe(
        'Ask our PHP web-shell model about files with PHP in them; it comes with the built-in rules. Its word alone makes a ' +
          'file suspicious, never malicious. Costs each worker process 45 MB.',
      ),
    archives: archiveLimits.prefault({}),
    signature_keys: z
      .array(z.string().refine(isPublicKeyText, 'It must be a key such as ed25519:…='))
      .default([])
      .describe(
        'Public keys whose signature bundles are taken over by `signatures update` and loaded. Without one, none is.',
      ),
    signature_max_age_days: z
      .number()
      .positive()
      .max(3650)
      .default(14)
      .describe(
        'Installed signatures that are older show as a problem in log, health and verdicts. Default 14.',
      ),
    http: z
      .strictObject({
        listen: hostPort
          .optional()
          .describe(
            'TCP address for GET /health, /ready and /metrics, and with a token for POST /v1/scan. It has no encryption of its own.',
          ),
        token: secretReference
          .optional()
          .describe(
            'Where the bearer token that POST /v1/scan needs is kept: env:NAME, file:PATH or exec:["PROGRAM","ARGUMENT"].',
          ),
      })
      .prefault({})
      .describe('Telling how the scanner is, and judging what programs send with HTTP. Default: not served.'),
    watch: z
      .array(z.string())
      .default([])
      .describe(
        'Folders whose files the daemon judges when they are made, written or renamed, and by passes again and again. What was judged by the same rules and has not changed is not read again, also after a restart.',
      ),
    interval_seconds: z
      .number()
      .positive()
      .max(86_400)
      .default(300)
      .describe(
        'Pause between two passes over the watched folders, which find what events of the system did not tell. Where those are ' +
          'missing (more folders than the system watches, network file systems) at most 10. Default 300.',
      ),
    budget: z
      .strictObject({
        max_cores: z
          .number()
          .min(0.01)
          .max(256)
          .optional()
          .describe(
            'Processor cores that judging watched folders and scheduled scans may keep busy on average; what is asked for (clamd, ' +
              'HTTP, ICAP) does not count. Default: all workers.',
          ),
        nice: z
          .int()
          .min(0)
          .max(19)
          .default(10)
          .describe(
            'Priority of the worker processes: 0 as other programs, 19 behind them all, also for the disk. It holds for what is asked ' +
              'for, too. Default 10.',
          ),
        idle_io: z
          .boolean()
          .default(false)
          .describe(
            'Let the workers read from the disk only when nobody else does (needs `ionice` of util-linux). On a busy disk answers then ' +
              'wait. Default false.',
          ),
      })
      .prefault({})
      .describe('What scanning may take from other programs.'),
    response: z
      .strictObject({
        dry_run: z
          .boolean()
          .default(false)
          .describe(
            'Check and report what would be done to files and processes, and do nothing: quarantine of what is found too.',
          ),
        kill: z
          .boolean()
          .default(false)
          .describe('Let a command end (SIGKILL) the processes that run, map or have open a malicious file.'),
      })
      .prefault({})
      .describe('What may be done about a file when an incident, or a person, asks for it'),
    schedules: z
      .array(scheduledScan)
      .max(100)
      .default([])
      .describe('Scans at set times, beside the watched folders. Findings are treated alike.'),
    quarantine: z
      .boolean()
      .default(false)
      .describe(
        'Move malicious files of the watched folders into the vault. Suspicious ones are only reported.',
      ),
  })
  .describe('The endpoint scanner')

export type ScannerConfig = z.infer<typeof scannerConfig>
