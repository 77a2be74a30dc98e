import * as fc from 'fast-check'
import t from 'tap'
import { findOpenTag, fnvOf, PhpLexer } from '../../../scanner/model/php-lexer.js'

const lex = (text: string): [string, string][] => {
  const bytes = Buffer.from(text, 'latin1')
  const lexer = new PhpLexer(bytes)
  const tokens: [string, string][] = []
  while (lexer.next()) tokens.push([lexer.kind, bytes.toString('latin1', lexer.start, lexer.end)])
  return tokens
}

t.test('PHP is cut into its tokens', async (t) => {
  t.strictSame(lex('<b>hi</b><?php $a->b(1.5, "x\\"y"); // note ?>tail'), [
    ['html', '<b>hi</b>'],
    ['variable', '$a'],
    ['member', '->'],
    ['name', 'b'],
    ['punctuation', '('],
    ['number', '1.5'],
    ['punctuation', ','],
    ['string', 'x\\"y'],
    ['punctuation', ')'],
    ['punctuation', ';'],
    ['comment', '// note '],
    ['html', 'tail'],
  ])
  t.strictSame(lex("<?=`id`.'a' ?><?xml?>"), [
    ['shell', 'id'],
    ['punctuation', '.'],
    ['string', 'a'],
    ['html', '<?xml?>'],
  ])
  t.strictSame(lex('<?PHP #[A]\n/* ? */ # c\nX::y'), [
    ['punctuation', '#'],
    ['punctuation', '['],
    ['name', 'A'],
    ['punctuation', ']'],
    ['comment', '/* ? */'],
    ['comment', '# c'],
    ['name', 'X'],
    ['member', '::'],
    ['name', 'y'],
  ])
})

t.test('here documents end at their label, and everything unclosed at the end of the file', async (t) => {
  t.strictSame(lex('<?php echo <<<"E"\na $b ?>\n  E; f()')[1], ['string', '"\na $b ?>'])
  t.strictSame(lex('<?php <<<E\nnever closed'), [['string', '\nnever closed']])
  t.strictSame(lex("<?php 'open"), [['string', 'open']])
  t.strictSame(lex("<?php 'a\\"), [['string', 'a\\']])
  t.strictSame(lex('<?php /* open'), [['comment', '/* open']])
})

t.test('what follows __halt_compiler is data, whatever it looks like', async (t) => {
  t.strictSame(lex('<?php __HALT_COMPILER(); ?><?php eval($x)'), [
    ['name', '__HALT_COMPILER'],
    ['html', '(); ?><?php eval($x)'],
  ])
})

t.test('names hash as their last part in lower case', async (t) => {
  for (const text of ['eval', 'EVAL', '\\eval', 'a\\b\\Eval']) {
    const lexer = new PhpLexer(Buffer.from(`<?php ${text}`))
    t.ok(lexer.next())
    t.equal(lexer.hash, fnvOf('eval'), text)
  }
})

t.test('short tags open PHP where they are asked for', async (t) => {
  t.strictSame(findOpenTag(Buffer.from('a<?pHp'), 0, false), { start: 1, end: 6 })
  t.strictSame(findOpenTag(Buffer.from('<?xml ?><?= 1'), 0, true), { start: 8, end: 11 })
  t.strictSame(findOpenTag(Buffer.from('<? 1'), 0, true), { start: 0, end: 2 })
  t.equal(findOpenTag(Buffer.from('<? 1 <?= 2 <?'), 0, false), undefined)
})

t.test('any bytes give tokens in order, inside the file and not overlapping', async (t) => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '<?php ',
      '?>',
      '<<<A\n',
      "'",
      '"',
      '`',
      '/*',
      '*/',
      '\\',
      '$',
      '->',
      '#',
      '\n',
      '__halt_compiler',
    ),
  )
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const bytes = Buffer.from(pieces.join(''))
      const lexer = new PhpLexer(bytes)
      let before = 0
      while (lexer.next()) {
        if (lexer.start < before || lexer.end < lexer.start || lexer.end > bytes.length) return false
        before = lexer.end
      }
      return true
    }),
    { numRuns: 2000 },
  )
  t.pass()
})
