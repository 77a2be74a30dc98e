import t from 'tap'
import { parseSize } from '../../../cli/scan/size.js'

t.test('sizes as operators write them', async (t) => {
  for (const [text, bytes] of [
    ['5000', 5000],
    ['1k', 1024],
    ['64M', 64 * 2 ** 20],
    ['64MiB', 64 * 2 ** 20],
    ['1.5G', 1.5 * 2 ** 30],
  ] as const)
    t.equal(parseSize(text), bytes)
  for (const text of ['', '0', '-1', '1T', '3G', 'M', '1e9', '0x10', ' 1'])
    t.throws(() => parseSize(text), { code: 'commander.invalidArgument' }, text)
})
