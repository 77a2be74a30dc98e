/**
 * What SQL injection looks like, said of folded tokens (letters: `sql-words.ts`) and not of samples: each pattern is a thing that an attacker has to do, whatever
 * stands around it. Blanks are for the eye. V is any value, W one that text seldom has beside a logical word, A what may lead into a condition, S a string that
 * the value ends in, X the end by a comment. Sentences use `select` too, but not by its grammar: K is one that no name stands before, for a query begins there
 * and a clause ("when I select") does not; I is a number as a column, which one alias may follow but not two words; R is the star, which nothing is multiplied
 * with.
 */

/** In any context, whatever comes before. */
const anywhere = [
  // A second query joined to the first.
  'U k? \\(? [EYMD]',
  'U \\( [E(]',
  // A query where a value belongs.
  '(?:[=al&,]A|o[(]) E (?:I | R | [svifreGg(] | n[,F] | F | n?$ | n\\))',
  '[gGl] \\( E',
  '\\( E (?:I | R | [svifreoGg(] | nF | n?\\()',
  'K (?:[svifrex(gm] | R | 1[o,=] | n,) [^;E]{0,64} F',
  'K 1 (?:n | r n?)? F',
  'K [nm] n? F (?:\\( | n (?:k[1r] | L.{0,16}[=l] | [;cdC]))',
  'F \\( E',
  // What waits, reads files or fails on purpose where a value belongs.
  '[&a=ol;,(E] A G \\( (?:[^n)]|$)',
  'O',
  // Conditions that compare what nobody compares in text.
  '(?<!;)& A (?:1\\)*=A[1fgvs] | s\\)*[=l]A[spPyfgv1] | [sfv1]\\)*=S | V\\)*=A[fgv] | e\\))',
  '[&=] A f (?:af)+',
  'L A (?:1\\)*=A1|s\\)*=A[spPy])',
  'g \\( A 1\\)*=A[1r]',
  '\\(1=1\\)[o,]',
  'a A (?:1\\)*=A1 | s\\)*=A[spPy] | 1\\)*=S | e\\))',
  // (A call has no colon or question mark in it, which a link has; JSON's arrow is one of text's signs too.)
  '& A [gn]\\(+[gn1vs]?(?:[^t;]|t[s1]){0,32}\\)*=A[1svfg]',
  'B .{1,8} H V',
  // The standard's way to take a text apart: substring(x from 1 for 1).
  'g \\( [fnsv] F 1 k 1',
  // A choice.
  'w (?:\\(*V)? w .{1,8} w \\(*[1sve(]',
  // Another statement.
  '; \\(? (?:M|Y|E(?:I|R|[svifreGgm(])|E n[,F]|EF|G\\(|J(?:[cdC;k]|$)|T[nk1]{0,3}[cdC]|D(?:i|m|x|n=|nn?s|n[pPy]|[nk]{1,4}[cdC]|ni|E|nF|k?F)|Ti|DkE|TG|Tn;D|DG|Dk\\(|[DT]A1=A1|TJ)',
  'Y [spPyv1n(]',
  'D n D [nvi] =',
  'M (?:n[(;cdCkL] | nD | m)',
  'TTi',
  'TDA1=A1',
  '[wkT]G\\(',
]

/** Behind a value that the injected text begins with, or behind the quote that ends the application's string. */
const behindValue = [
  // A condition.
  '& A V\\)*[=j]',
  '& A [1n]\\)*l(?:[svfpPyr(] | 1\\)*[cdC;])',
  '& A [svfe]\\)*l',
  '& A [fgG]',
  '& A [1vfrex]\\)*(?:[cdChCU;] | l[1n] )',
  'a A (?:V\\)*[=l]A[1svfe]\\)* | [1v]\\)*)[cdC]',
  '& A s\\)*[cdChU;]',
  '& A n \\)* ;? [cdC]',
  '& A [vef] $',
  // Ordering and grouping, which ask how many columns there are.
  'B A [1vfrgGe]',
  'B n (?:[cdC;,Hkl] | $)',
  'H A (?:[1fgs] | n[=l] | v(?:[=l]|X|$))',
  'U (?:$ | [cdC(])',
]

/** Behind a number or the quote only. */
const behindNumber = [
  'a A V\\)*[=j]',
  'a A (?:[fgGE] | V\\)*(?:[cdC;Ua&] | $))',
  '& A i $',
  'M (?:n?(?:$|[;cdC(Lk=]) | [mxt] | n[DEFUr])',
  'D (?:i | n=)',
  'T [iT]',
  'J (?:$|[;cdCk])',
  '; [cdC]',
  'k \\) B A 1',
  '\\)+ F n [Lk]',
  'k [1r] [cdC;]',
  'E (?:I | R | [vifreg(])',
]

/** Behind the quote only, with no more than a word before it. */
const behindQuote = [
  // The application's own quote closes what the text left open.
  '(?:[o=l&aj]!?\\(*(?:W\\)*[o=l&aj]\\(*)*) [py] $',
  '(?:[o=l&aj]!?\\(*(?:W\\)*[o=l&aj]\\(*)+) P $',
  '(?:[o=l&aj]!?\\(*(?:V\\)*[o=l&aj]\\(*)*) p $',
  '(?:[o=l&aj]!?\\(*(?:V\\)*[o=l&aj]\\(*)*) V\\)*[=l&a]\\(* y $',
  '[&a] A (?:[1vifrex]\\)*(?:$|o) | W\\)*[hal&U;=] | S)',
  'l A (?:[pyfvr(g] | [1s]\\)*[cdCh&a;U=])',
  '= A (?:[1svfre]\\)*(?:[cdCh&a;U] | $) | [gG(])',
  'o A V\\)* (?:[l=] A V\\)* [cdCh] | [HB])',
  '& A n n? k \\( s',
  '[oj] A (?:V\\)*[cdC;] | [gGe] | f | 1=1)',
  '\\)* [cdC]',
  '& A s 1',
  'D .{1,10} [cdC]',
  '& A n (?:1=A[1spPy] | l (?:1(?:[=cdC]|$) | [vpy]))',
  's [=l] A [1fspPy(]',
]

function pattern(text: string): string {
  return text
    .replaceAll(' ', '')
    .replaceAll('A', '[(!]{0,3}')
    .replaceAll('V', '[1nsvifrxem]')
    .replaceAll('W', '[1svifre]')
    .replaceAll('S', '[pPy]')
    .replaceAll('X', '[cdC]')
    .replaceAll('K', '(?<![nw])E')
    .replaceAll('I', '(?:1(?![nr])|1n(?:[F;cdC)]|,[1svifreg(]))')
    .replaceAll('R', 'o(?![1nsvifrx&o=])')
}

function either(patterns: readonly string[]): string {
  return `(?:${patterns.map(pattern).join('|')})`
}

/** At the start, without any value before. */
const atStart = [
  'f[=l][fe]',
  'E(?:I|R|[vifrex(])',
  'E k, r .{0,32} F',
  'D \\( i | D n i =',
  'M (?:n? (?:$|[;cd]) | x | t\\. | nk?r)',
  'D n F s',
  '& A f (?:[cdC]|$)',
  'Ti',
  'G \\( (?:.{0,16} \\) [cdCo=] | [1r] \\) $)',
  '[1vi]\\)* [Cc]',
  '1=1[cdC]',
  '\\)* & A (?:V\\)*[=l]A V?\\)* [cdC] | v [cdC])',
  '\\)* B A (?:[1fvge] (?:$|[cdC,;kH]) | r [cdC] | G\\()',
  '\\)* H A [1fs] [=l]',
]

/** Shapes that are attacks. */
export const attackShape = new RegExp(
  [
    either(anywhere),
    `^\\(*[1nsvifrxeqQzZm]\\)*${either(behindValue)}`,
    `^\\(*[1qQzZvf]\\)*${either(behindNumber)}`,
    `^[qQ]\\)*${either(behindQuote)}`,
    pattern('^[qQzZ] & s [oa=]? y $ | ^Z[cC]'),
    `^\\(*${either(atStart)}`,
    pattern('^[1qQzZ].{0,40}&A[fg]'),
  ].join('|'),
)
