import t from 'tap'
import { alternatives, closingOf, conjuncts, insideParentheses } from '../../../scanner/yara/condition.js'

const tokens = (text: string): string[] => text.split(' ')

t.test('only the outermost level is split', async (t) => {
  t.strictSame(alternatives(tokens('$a or ( $b or $c ) and @a [ 1 or 2 ]')), [
    ['$a'],
    tokens('( $b or $c ) and @a [ 1 or 2 ]'),
  ])
  t.strictSame(conjuncts(tokens('( $a and $b ) and $c')), [tokens('( $a and $b )'), ['$c']])
  t.strictSame(conjuncts([]), [[]])
})

t.test('parentheses around all are told from two beside each other', async (t) => {
  t.strictSame(insideParentheses(tokens('( $a or ( $b ) )')), tokens('$a or ( $b )'))
  t.equal(insideParentheses(tokens('( $a ) or ( $b )')), undefined)
  t.equal(insideParentheses(tokens('$a')), undefined)
  t.equal(closingOf(tokens('( ( $a )'), 0), -1)
})
