import { createHash, generateKeyPairSync } from 'node:crypto'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { InvalidArgumentError, type Command } from 'commander'
import {
  createPrivateFile,
  privateFolder,
  readSecretFile,
  writePrivateFile,
} from '../../runtime/data-folder.js'
import { download } from '../../runtime/download.js'
import { codeOf, messageOf } from '../../runtime/errors.js'
import type { OutboundConfig } from '../../runtime/outbound.js'
import { ScanError } from '../../scanner/errors.js'
import { poolOptions } from '../../scanner/pool-options.js'
import { ScanPool } from '../../scanner/pool.js'
import {
  buildBundle,
  MAX_BUNDLE_BYTES,
  parsePrivateKey,
  parsePublicKey,
  publicKeyText,
  type BundleFile,
} from '../../scanner/signatures/bundle.js'
import { SignatureStore } from '../../scanner/signatures/store.js'
import { recordPersonsAct } from '../../scanner/record.js'
import { actingPerson } from '../acting-person.js'
import { openRoleStores } from '../role-stores.js'
import { UsageError, type CliContext, type Flags } from '../context.js'

/** What a folder that is updated from holds. */
const BUNDLE_NAME = 'signatures.pcsb'

interface BuildFlags {
  readonly from: string
  readonly key: string
  readonly release: number
  readonly out: string
}

interface UpdateFlags {
  readonly from: string
  readonly json?: boolean
}

const release = (value: string): number => {
  if (!/^[1-9]\d{0,14}$/.test(value)) throw new InvalidArgumentError('It must be a whole number from 1.')
  return Number(value)
}

/** `portcullis signatures keys|build|update` */
export function registerSignatures(program: Command, context: CliContext): void {
  const signatures = program.command('signatures').description('YARA rules and hash lists as signed bundles')

  signatures
    .command('keys')
    .description('make a key that signs bundles, and print its public half')
    .requiredOption('--out <file>', 'where the private key goes (0600); nothing is overwritten')
    .action(async ({ out }: { readonly out: string }) => {
      const { privateKey } = generateKeyPairSync('ed25519')
      if (!(await createPrivateFile(out, privateKey.export({ format: 'pem', type: 'pkcs8' }))))
        throw new ScanError('SIGNATURES_KEY', `${out} exists; nothing is overwritten`)
      context.stdout.write(`${publicKeyText(privateKey)}\n`)
    })

  signatures
    .command('build')
    .description('make a bundle of a folder with yara/*.yar and hashes/*.txt')
    .requiredOption('--from <dir>', 'the folder')
    .requiredOption('--key <file>', 'private key of `signatures keys`')
    .requiredOption('--release <n>', 'its number; a scanner takes over only higher ones', release)
    .requiredOption('--out <file>', `the bundle; a folder is updated from when it is called ${BUNDLE_NAME}`)
    .action(async ({ from, key, release: version, out }: BuildFlags) => {
      const pem = await readSecretFile(key)
      if (!pem) throw new ScanError('SIGNATURES_KEY', `there is no ${key}`)
      const files = await readSources(from)
      const bundle = buildBundle(files, { version, created: new Date(), key: parsePrivateKey(pem) })
      await writePrivateFile(out, bundle)
      context.stdout.write(`${out}: release ${version}, ${files.length} files, ${bundle.length} bytes\n`)
    })

  signatures
    .command('update')
    .description('take over a bundle that a key of scanner.signature_keys has signed')
    .requiredOption('--from <where>', `a URL or file of a bundle, or a folder with ${BUNDLE_NAME}`)
    .option('--config <file>', 'configuration file (YAML)')
    .option('--data <dir>', 'data folder (./data)')
    .option('--json', 'one JSON object on standard output')
    .action(async (flags: UpdateFlags) => {
      const { config } = context.loadConfig(flags as Flags & UpdateFlags)
      const keys = config.scanner.signature_keys.map(parsePublicKey)
      if (keys.length === 0)
        throw new UsageError('no key is trusted: name one in scanner.signature_keys of the configuration')
      const bytes = await readBundle(flags.from, config.outbound)
      const data = await privateFolder(resolve(config.data))
      const store = await SignatureStore.open(await privateFolder(data, 'scanner'))
      const { bundle, changed } = await store.install(bytes, keys, async (staged) => {
        // What does not load must not become current.
        const pool = await ScanPool.start({ ...poolOptions(config.scanner), jobs: 1, ...staged })
        await pool.close()
      })
      const { version, created, files } = bundle.manifest
      if (changed) {
        const stores = await openRoleStores(config, 'scanner', context.logger(config, 'scanner'))
        const hash = createHash('sha256').update(bytes).digest('hex')
        try {
          await recordPersonsAct(
            { ...stores, now: Date.now },
            {
              action: 'update_signatures',
              by: actingPerson(),
              done: `signatures of release ${version} are current`,
              entry: {
                kind: 'config.change',
                members: { config: { name: 'scanner.signatures', hash, rev: String(version) } },
              },
            },
          )
        } finally {
          await stores.close()
        }
      }
      context.stdout.write(
        flags.json
          ? `${JSON.stringify({ version, created, files: files.length, changed })}\n`
          : `release ${version} of ${created} ${changed ? 'is current now' : 'was current already'}` +
              `${changed ? '; a scanner that runs takes it when it starts again' : ''}\n`,
      )
    })
}

async function readSources(from: string): Promise<BundleFile[]> {
  const files: BundleFile[] = []
  for (const folder of ['yara', 'hashes']) {
    let names: string[]
    try {
      names = await readdir(join(from, folder))
    } catch (cause) {
      if (codeOf(cause) === 'ENOENT') continue
      throw source(join(from, folder), cause)
    }
    for (const name of names.sort())
      files.push({ path: `${folder}/${name}`, content: await readFile(join(from, folder, name)) })
  }
  if (files.length === 0) throw new ScanError('SIGNATURES_SOURCE', `${from} has neither yara/ nor hashes/`)
  return files
}

async function readBundle(from: string, outbound: OutboundConfig): Promise<Buffer> {
  if (/^https?:\/\//i.test(from)) {
    const url = from.endsWith('/') ? from + BUNDLE_NAME : from
    return Buffer.from(
      await download(url, { maxBytes: MAX_BUNDLE_BYTES, accept: 'application/octet-stream', outbound }),
    )
  }
  try {
    const found = await stat(from)
    const file = found.isDirectory() ? join(from, BUNDLE_NAME) : from
    const { size } = await stat(file)
    if (size > MAX_BUNDLE_BYTES)
      throw new ScanError('SIGNATURES_REFUSED', `${file} has ${size} bytes, the limit is ${MAX_BUNDLE_BYTES}`)
    return await readFile(file)
  } catch (cause) {
    if (cause instanceof ScanError) throw cause
    throw source(from, cause)
  }
}

const source = (path: string, cause: unknown): ScanError =>
  new ScanError('SIGNATURES_SOURCE', `cannot read ${path}: ${messageOf(cause)}`, { cause })
