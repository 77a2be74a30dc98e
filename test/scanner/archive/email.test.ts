import fc from 'fast-check'
import t from 'tap'
import { identify } from '../../../scanner/identify.js'
import { EICAR } from '../sample-files.js'
import { email, zip } from './build-archives.js'
import { judge, said } from './judge-archive.js'

const mail = (...lines: readonly string[]): Buffer => Buffer.from(lines.join('\n'))

t.test('each coding of an attachment is undone', async (t) => {
  for (const coding of ['7bit', 'base64', 'quoted-printable'] as const)
    t.strictSame(
      said(await judge(email('eicar.com', EICAR, coding))),
      ['malicious', 'EICAR in eicar.com'],
      coding,
    )
  t.strictSame(said(await judge(email('a.zip', zip([{ name: 'eicar.com', content: EICAR }])))), [
    'malicious',
    'EICAR in a.zip!eicar.com',
  ])
})

t.test('a mail in a mail, a folder of mails and multiparts in multiparts are opened', async (t) => {
  const inner = email('eicar.com', EICAR)
  t.strictSame(said(await judge(email('forwarded.eml', inner))), [
    'malicious',
    'EICAR in forwarded.eml!eicar.com',
  ])
  t.match(said(await judge(Buffer.concat([Buffer.from('From a Sat Nov 21 2026\n'), inner]))), ['malicious'])
  const nested = mail(
    'Subject: x',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=outer',
    '',
    '--outer',
    'Content-Type: multipart/alternative; boundary*0="in"; boundary*1=ner',
    '',
    '--inner',
    'Content-Transfer-Encoding: BASE64',
    '',
    Buffer.from(EICAR).toString('base64'),
  )
  t.strictSame(said(await judge(nested)), ['malicious', 'EICAR in part'], 'also when none of them ends')
})

t.test('base64 is read as the most forgiving reader does', async (t) => {
  const [one, two] = [EICAR.slice(0, 10), EICAR.slice(10)].map((part) => Buffer.from(part).toString('base64'))
  const body = `${one}\n!!${two?.replace(/.{9}/g, '$& \t-')}`
  const single = mail('From: a', 'Content-Type: image/png', 'Content-Transfer-Encoding: base64', '', body)
  t.equal(identify(single), 'email')
  t.strictSame(said(await judge(single)), ['malicious', 'EICAR in part'])
})

t.test('what only looks like a mail is text', (t) => {
  for (const text of [
    'Subject: hello\n\nworld',
    'From here on\nall is well',
    'Content of this: x\nMIME-Version: 1',
  ])
    t.equal(identify(Buffer.from(text)), 'text', text)
  t.end()
})

t.test('no bytes make the parser throw, or take more than linear time', async (t) => {
  const seed = email('a', EICAR, 'quoted-printable').toString('latin1')
  await fc.assert(
    fc.asyncProperty(fc.nat(seed.length), fc.uint8Array({ maxLength: 20 }), async (at, bytes) => {
      const spoilt = Buffer.concat([
        Buffer.from(seed.slice(0, at), 'latin1'),
        bytes,
        Buffer.from(seed.slice(at + 5), 'latin1'),
      ])
      const { reasons } = await judge(spoilt)
      return reasons.every(({ rule }) => rule !== 'engine_failed')
    }),
  )
  const head = 'From: a\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n'
  const grown = async (unit: string, size: number): Promise<number> => {
    const content = Buffer.from(head + unit.repeat(size / unit.length))
    const start = performance.now()
    await judge(content, 'file', { max_members: 1000 })
    return performance.now() - start
  }
  for (const unit of ['--b\n', '=', '; a="', '\n \n', 'Content-Type: multipart/mixed; boundary=b\n\n--b\n']) {
    await grown(unit, 1e5)
    const small = await grown(unit, 4e5)
    const large = await grown(unit, 32e5)
    t.ok(large < 40 * small + 500, `${JSON.stringify(unit)}: ${small} ms, eight times as much ${large} ms`)
  }
})
