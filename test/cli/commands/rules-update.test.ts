import { createHash } from 'node:crypto'
import { existsSync, readFileSync, readlinkSync, statSync, symlinkSync } from 'node:fs'
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { gunzipSync, gzipSync } from 'node:zlib'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { pack } from 'tar-stream'

import { readArchive } from '../../../cli/rule-set/archive.js'
import { safePath } from '../../../cli/rule-set/entry-path.js'
import { RULE_SET_LIMITS } from '../../../cli/rule-set/limits.js'
import { folderListing } from '../../../cli/rule-set/source.js'
import { runInProcess } from '../fixtures/in-process.js'
import { writeZip, type ZipEntry } from '../fixtures/zip-writer.js'

const data = process.env.PORTCULLIS_TEST_DATA

interface Entry {
  readonly name: string
  readonly type?: 'file' | 'symlink' | 'link' | 'fifo' | 'directory'
  readonly content?: string | Buffer
  readonly linkname?: string
}

const archive = async (entries: readonly Entry[]): Promise<Buffer> => {
  const tar = pack()
  for (const { name, type = 'file', content = '', linkname } of entries)
    tar.entry({ name, type, ...(linkname !== undefined && { linkname }) }, type === 'file' ? content : '')
  tar.finalize()
  return gzipSync(await buffer(tar))
}

const rule = (
  version: string,
  body = 'SecRule ARGS "@streq evil" "id:942100,phase:2,deny"',
): readonly Entry[] => [
  { name: 'coreruleset-4/', type: 'directory' },
  {
    name: 'coreruleset-4/crs-setup.conf.example',
    content: `SecAction "id:900990,phase:1,pass,nolog,ver:'OWASP_CRS/${version}'"\n`,
  },
  { name: 'coreruleset-4/rules/', type: 'directory' },
  { name: 'coreruleset-4/rules/REQUEST-942.conf', content: `${body}\n` },
  { name: 'coreruleset-4/rules/words.data', content: 'a\n' },
]

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/** A data folder and a way to update it from archives. */
const setUp = (t: Test) => {
  const folder = t.testdir({ in: {}, data: {} })
  const dataFolder = join(folder, 'data')
  const update = async (bytes: Buffer, digest = sha256(bytes)) => {
    const file = join(folder, 'in', `${sha256(bytes)}.tar.gz`)
    await writeFile(file, bytes)
    return runInProcess(['rules', 'update', 'crs', '--from', file, '--sha256', digest, '--data', dataFolder])
  }
  const current = () => readlinkSync(join(dataFolder, 'rules', 'crs', 'current'))
  return { folder, data: dataFolder, crs: join(dataFolder, 'rules', 'crs'), update, current }
}

void t.test('a release is unpacked, checked and made current; rollback goes back', async (t) => {
  const { data, crs, update, current } = setUp(t)
  t.match(await update(await archive(rule('4.1.0'))), { code: 0, stdout: /4\.1\.0 is current\n/, stderr: '' })
  t.equal(current(), '4.1.0')
  t.equal(readFileSync(join(crs, 'current', 'rules', 'words.data'), 'utf8'), 'a\n')
  t.equal(statSync(join(crs, '4.1.0')).mode & 0o777, 0o700)
  t.equal(statSync(join(crs, '4.1.0', 'rules', 'words.data')).mode & 0o777, 0o600)
  t.match(JSON.parse(readFileSync(join(crs, 'current', 'portcullis-release.json'), 'utf8')), {
    version: '4.1.0',
  })
  const second = await archive(rule('4.2.0'))
  t.match(await update(second), { code: 0, stdout: /4\.2\.0 is current \(before: 4\.1\.0\)/ })
  const listed = await runInProcess(['rules', 'list', '--crs', join(crs, 'current'), '--phases', 'owasp_crs'])
  t.match(listed.stdout, /^942100 .*current\/rules\/REQUEST-942\.conf:1$/m)
  const back = ['rules', 'rollback', 'crs', '--data', data]
  t.match(await runInProcess(back), { code: 0, stdout: /4\.1\.0 is current \(before: 4\.2\.0\)/ })
  t.equal(current(), '4.1.0')
  t.match(await runInProcess([...back, '--json']), {
    code: 0,
    stdout: /"version":"4\.2\.0","previous":"4\.1\.0"/,
  })
  t.match(await update(second), { code: 0 }, 'the same again changes nothing')
  t.match(await update(await archive(rule('4.2.0', 'SecMarker X'))), {
    code: 1,
    stderr: /^RULE_SET_VERSION: /,
  })
})

void t.test('what is not the release that was meant changes nothing', async (t) => {
  const { data, crs, update, current } = setUp(t)
  t.match(await runInProcess(['rules', 'rollback', 'crs', '--data', data]), {
    stderr: /^RULE_SET_NO_PREVIOUS/,
  })
  await update(await archive(rule('4.1.0')))
  const other = await archive(rule('4.2.0'))
  const refused: readonly (readonly [Buffer, RegExp, string?])[] = [
    [other, /^RULE_SET_DIGEST: its SHA-256 is [0-9a-f]{64}, not 0{64}/, '0'.repeat(64)],
    [
      await archive(rule('4.2.0', 'SecRule ARGS "@nosuch x" "id:1,phase:2,deny"')),
      /^RULE_SET_REFUSED: .*rules\/REQUEST-942\.conf:1: unknown operator/,
    ],
    [await archive([{ name: 'a/readme', content: 'x' }]), /^RULE_SET_REFUSED: .*names its version/],
    [
      await archive([...rule('4.2.0'), { name: 'coreruleset-4/../../x', content: 'x' }]),
      /^RULE_SET_ARCHIVE: .*leaves its folder/,
    ],
    [await archive([...rule('4.2.0'), { name: '/etc/x', content: 'x' }]), /^RULE_SET_ARCHIVE/],
    [
      await archive([
        ...rule('4.2.0'),
        { name: 'coreruleset-4/x', type: 'symlink', linkname: '/etc/passwd' },
      ]),
      /^RULE_SET_ARCHIVE: .* is a symlink/,
    ],
    [
      await archive([
        ...rule('4.2.0'),
        { name: 'coreruleset-4/x', type: 'link', linkname: 'coreruleset-4/rules/words.data' },
      ]),
      /^RULE_SET_ARCHIVE: .* is a link/,
    ],
    [await archive([...rule('4.2.0'), { name: 'coreruleset-4/x', type: 'fifo' }]), /^RULE_SET_ARCHIVE/],
    [other.subarray(0, other.length - 40), /^RULE_SET_ARCHIVE: the archive cannot be read/],
    [
      await archive([...rule('4.2.0'), { name: 'coreruleset-4/rules/words.data', content: 'b\n' }]),
      /^RULE_SET_ARCHIVE: .*words\.data is in it twice/,
    ],
    [Buffer.from('PK\u0003\u0004zip'), /^RULE_SET_ARCHIVE: the archive cannot be read/],
    [Buffer.from('plain'), /^RULE_SET_ARCHIVE/],
  ]
  for (const [bytes, says, digest] of refused) {
    const { code, stderr } = await update(bytes, digest)
    t.equal(code, 1)
    t.match(stderr, says)
    t.equal(current(), '4.1.0')
    t.notOk(existsSync(join(crs, '4.2.0')), 'nothing is left behind')
  }
  t.match(await update(other, 'abc'), { code: 2 })
})

const zipRule = (version: string): ZipEntry[] =>
  rule(version).map(({ name, content = '', type }) => ({
    name,
    content,
    mode: type === 'directory' ? 0o040755 : 0o100644,
  }))

void t.test('a release that comes as a zip is taken over like one that comes as a .tar.gz', async (t) => {
  const { crs, update, current } = setUp(t)
  t.match(await update(writeZip(zipRule('4.1.0'))), { code: 0, stdout: /4\.1\.0 is current\n/, stderr: '' })
  t.equal(current(), '4.1.0')
  t.equal(readFileSync(join(crs, 'current', 'rules', 'words.data'), 'utf8'), 'a\n')
  t.same(
    await readArchive(writeZip(zipRule('4.1.0')), RULE_SET_LIMITS),
    await readArchive(await archive(rule('4.1.0')), RULE_SET_LIMITS),
  )
})

void t.test('a zip that means harm changes nothing', async (t) => {
  const { crs, update, current } = setUp(t)
  await update(writeZip(zipRule('4.1.0')))
  const whole = writeZip(zipRule('4.2.0'))
  const hostile = (entry: ZipEntry) => writeZip([...zipRule('4.2.0'), entry])
  const refused: readonly (readonly [Buffer, RegExp])[] = [
    [hostile({ name: 'coreruleset-4/../../x' }), /^RULE_SET_ARCHIVE: .*leaves its folder/],
    [hostile({ name: '/etc/x' }), /^RULE_SET_ARCHIVE: .*leaves its folder/],
    [hostile({ name: 'coreruleset-4\\..\\x' }), /^RULE_SET_ARCHIVE: .*leaves its folder/],
    [
      hostile({ name: 'coreruleset-4/x', content: '/etc/passwd', mode: 0o120777 }),
      /^RULE_SET_ARCHIVE: .*x is a symlink/,
    ],
    [hostile({ name: 'coreruleset-4/x/', mode: 0o120777 }), /^RULE_SET_ARCHIVE: .*is a symlink/],
    [hostile({ name: 'coreruleset-4/x', mode: 0o010644 }), /^RULE_SET_ARCHIVE: .*is a device/],
    [hostile({ name: 'coreruleset-4/x', encrypted: true }), /^RULE_SET_ARCHIVE: .*is encrypted/],
    [hostile({ name: 'coreruleset-4/rules/words.data' }), /^RULE_SET_ARCHIVE: .*is in it twice/],
    [
      hostile({ name: 'coreruleset-4/x', content: Buffer.alloc(1_000_000), declaredSize: 10 }),
      /^RULE_SET_ARCHIVE: the archive cannot be read: too many bytes/,
    ],
    [whole.subarray(0, whole.length - 40), /^RULE_SET_ARCHIVE: the archive cannot be read/],
  ]
  for (const [bytes, says] of refused) {
    const { code, stderr } = await update(bytes)
    t.equal(code, 1)
    t.match(stderr, says)
    t.equal(current(), '4.1.0')
    t.notOk(existsSync(join(crs, '4.2.0')), 'nothing is left behind')
  }
})

void t.test('a zip bomb is stopped before it unpacks', async (t) => {
  const small = { ...RULE_SET_LIMITS, unpackedBytes: 100_000, entries: 10, depth: 3 }
  const zeros = writeZip([{ name: 'a/zeros', content: Buffer.alloc(1_000_000) }])
  t.ok(zeros.length < 10_000)
  await t.rejects(readArchive(zeros, small), { code: 'RULE_SET_TOO_LARGE', message: /100000 bytes/ })
  const parts = Array.from({ length: 5 }, (_, at) => ({ name: `a/${at}`, content: Buffer.alloc(30_000) }))
  await t.rejects(readArchive(writeZip(parts), small), { code: 'RULE_SET_TOO_LARGE' }, 'all files together')
  const many = Array.from({ length: 20 }, (_, at) => ({ name: `a/${at}` }))
  await t.rejects(readArchive(writeZip(many), small), { code: 'RULE_SET_TOO_LARGE', message: /10 entries/ })
  await t.rejects(readArchive(writeZip([{ name: 'a/b/c/d/e' }]), small), { message: /3 folders/ })
})

void t.test('a zip that the zip program writes is read', async (t) => {
  const folder = t.testdir({ release: { 'a.conf': 'SecMarker A\n', rules: { 'b.data': 'b\n' } } })
  t.equal(spawnSync('zip', ['-q', '-r', 'release.zip', 'release'], { cwd: folder }).status, 0)
  const files = await readArchive(readFileSync(join(folder, 'release.zip')), RULE_SET_LIMITS)
  t.same(files.map(({ path }) => path).sort(), ['a.conf', 'rules/b.data'])
})

void t.test('a bomb is stopped where it passes a limit', async (t) => {
  const small = { ...RULE_SET_LIMITS, unpackedBytes: 100_000, entries: 10, depth: 3 }
  const zeros = await archive([{ name: 'a/zeros', content: Buffer.alloc(1_000_000) }])
  t.ok(zeros.length < 10_000)
  await t.rejects(readArchive(zeros, small), { code: 'RULE_SET_TOO_LARGE', message: /100000 bytes/ })
  const many = Array.from({ length: 20 }, (_, at) => ({ name: `a/${at}` }))
  await t.rejects(readArchive(await archive(many), small), {
    code: 'RULE_SET_TOO_LARGE',
    message: /10 entries/,
  })
  await t.rejects(readArchive(await archive([{ name: 'a/b/c/d/e', content: '' }]), small), {
    code: 'RULE_SET_TOO_LARGE',
    message: /3 folders/,
  })
})

void t.test('a folder is taken over by the digest of its listing; links in it are refused', async (t) => {
  const release = t.testdir({
    release: {
      'crs-setup.conf': 'SecAction "id:900990,phase:1,pass,nolog,ver:\'OWASP_CRS/4.3.0\'"\n',
      rules: { 'REQUEST-942.conf': 'SecRule ARGS "@streq evil" "id:942100,phase:2,deny"\n' },
    },
    data: {},
  })
  const from = join(release, 'release')
  const files = ['crs-setup.conf', 'rules/REQUEST-942.conf'].map((path) => ({
    path,
    content: readFileSync(join(from, path)),
  }))
  const digest = sha256(folderListing(files))
  const listing = spawnSync('sh', ['-c', 'find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum'], {
    cwd: from,
  })
  t.equal(listing.stdout.toString().slice(0, 64), digest, 'as the documented command prints it')
  const args = ['rules', 'update', 'crs', '--from', from, '--sha256', digest, '--data', join(release, 'data')]
  t.match(await runInProcess(args), { code: 0, stdout: /4\.3\.0 is current/ })
  symlinkSync('/etc/passwd', join(from, 'rules', 'x.conf'))
  t.match(await runInProcess(args), { code: 1, stderr: /^RULE_SET_SOURCE: .*links are not followed/ })
})

void t.test(
  'a URL is fetched from public addresses only, or from ranges that the operator named',
  async (t) => {
    const release = await archive(rule('4.4.0'))
    const server = createServer((request, response) => {
      if (request.url === '/moved') response.writeHead(302, { location: '/release.tar.gz' }).end()
      else if (request.url === '/loop') response.writeHead(302, { location: '/loop' }).end()
      else if (request.url === '/release.tar.gz') response.end(release)
      else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.teardown(() => server.close())
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const folder = t.testdir({ data: {}, 'p.yaml': 'outbound:\n  allow: [127.0.0.0/8]\n' })
    const update = (path: string, ...more: string[]) =>
      runInProcess([
        'rules',
        'update',
        'crs',
        '--from',
        base + path,
        '--sha256',
        sha256(release),
        '--data',
        join(folder, 'data'),
        ...more,
      ])
    t.match(await update('/release.tar.gz'), { code: 1, stderr: /^OUTBOUND_REFUSED: / })
    const allowed = ['--config', join(folder, 'p.yaml')]
    t.match(await update('/nothing', ...allowed), { code: 1, stderr: /^RULE_SET_SOURCE: .*answered 404/ })
    t.match(await update('/loop', ...allowed), {
      code: 1,
      stderr: /^RULE_SET_SOURCE: more than 5 redirections/,
    })
    t.match(await update('/moved', ...allowed), { code: 0, stdout: /4\.4\.0 is current/ })
  },
)

void t.test('no name in an archive leads out of its folder, and no bytes break the reader', async () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('.', '/', 'a', '\\', '\0', ' ', '-'), maxLength: 12 }),
      (name) => {
        let path: string
        try {
          path = safePath(name, RULE_SET_LIMITS)
        } catch (error) {
          return (error as { code?: string }).code?.startsWith('RULE_SET_') === true
        }
        return join('/base/folder', path).startsWith('/base/folder') && !path.split('/').includes('..')
      },
    ),
  )
  const plain = gunzipSync(await archive(rule('4.1.0')))
  await fc.assert(
    fc.asyncProperty(fc.nat(plain.length - 1), fc.nat(255), async (at, byte) => {
      const broken = Buffer.from(plain)
      broken[at] = byte
      await readArchive(gzipSync(broken), RULE_SET_LIMITS).catch((error: { code?: string }) => {
        if (error.code?.startsWith('RULE_SET_') !== true) throw error
      })
    }),
    { numRuns: 200 },
  )
  const zip = writeZip(zipRule('4.1.0'))
  await fc.assert(
    fc.asyncProperty(fc.nat(zip.length - 1), fc.nat(255), async (at, byte) => {
      const broken = Buffer.from(zip)
      broken[at] = byte
      await readArchive(broken, RULE_SET_LIMITS).catch((error: { code?: string }) => {
        if (error.code?.startsWith('RULE_SET_') !== true) throw error
      })
    }),
    { numRuns: 200 },
  )
})

void t.test(
  'the real rule set is taken over from its folder',
  { skip: data === undefined && 'skipped: no data' },
  async (t) => {
    const from = join(data ?? '', 'crs')
    const listing = spawnSync('sh', ['-c', 'find . -type f | LC_ALL=C sort | xargs sha256sum | sha256sum'], {
      cwd: from,
    })
    const digest = listing.stdout.toString().slice(0, 64)
    const folder = t.testdir({})
    const { code, stdout, stderr } = await runInProcess([
      'rules',
      'update',
      'crs',
      '--from',
      from,
      '--sha256',
      digest,
      '--data',
      folder,
      '--json',
    ])
    t.strictSame({ code, stderr }, { code: 0, stderr: '' })
    t.match(JSON.parse(stdout), { version: '4.29.0-dev', previous: null })
  },
)
