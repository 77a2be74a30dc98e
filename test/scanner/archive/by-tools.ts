import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** An archive of one member, made by a program in a folder of its own. `$` stands for the member's name. */
const byProgram =
  (program: string, ...args: readonly string[]) =>
  (name: string, content: string | Buffer): Buffer => {
    const folder = mkdtempSync(join(tmpdir(), 'portcullis-test-'))
    try {
      writeFileSync(join(folder, name), content)
      execFileSync(
        program,
        args.map((arg) => (arg === '$' ? name : arg)),
        { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
      )
      return readFileSync(join(folder, 'archive'))
    } finally {
      rmSync(folder, { recursive: true })
    }
  }

const sevenZip = (...options: readonly string[]) => byProgram('7zz', 'a', '-t7z', ...options, 'archive.', '$')
const zip = (method: string) => byProgram('7zz', 'a', '-tzip', `-mm=${method}`, 'archive.', '$')

/** Real archives, as the usual programs make them: one member each, called as it is given. */
export const byTools: Readonly<Record<string, (name: string, content: string | Buffer) => Buffer>> = {
  '7z lzma2': sevenZip('-m0=LZMA2'),
  '7z lzma': sevenZip('-m0=LZMA'),
  '7z ppmd': sevenZip('-m0=PPMd'),
  '7z bzip2': sevenZip('-m0=BZip2'),
  '7z deflate': sevenZip('-m0=Deflate'),
  '7z bcj': sevenZip('-m0=BCJ', '-m1=LZMA2'),
  '7z copy': sevenZip('-m0=Copy'),
  'zip lzma': zip('LZMA'),
  'zip ppmd': zip('PPMd'),
  'zip bzip2': zip('BZip2'),
  cab: byProgram('gcab', '-c', '-z', 'archive', '$'),
  'cab stored': byProgram('gcab', '-c', 'archive', '$'),
  'iso joliet': byProgram('genisoimage', '-quiet', '-J', '-r', '-graft-points', '-o', 'archive', '$'),
  'iso bsdtar': byProgram('bsdtar', '--format=iso9660', '-cf', 'archive', '$'),
  'cpio odc': byProgram('bsdtar', '--format=cpio', '-cf', 'archive', '$'),
  'cpio newc': byProgram('bsdtar', '--format=newc', '-cf', 'archive', '$'),
  ar: byProgram('bsdtar', '--format=ar', '-cf', 'archive', '$'),
}

/** A content compressed by a program. */
export const packedBy =
  (program: string, ...args: readonly string[]) =>
  (input: string | Buffer): Buffer =>
    execFileSync(program, ['-c', ...args], { input, maxBuffer: 256 * 1024 * 1024 })
