/**
 * Extended signatures of ClamAV (`.ndb`): strings of bytes in a content. They are no digests, so they become YARA rules, which the
 * engines run. What they mean by an offset in an executable's sections, or of content that ClamAV has rewritten (HTML, mail, text,
 * pictures), has no equal here; such a signature is refused by name, never taken as something that matches less or more.
 */

/** Targets (ClamAV's manual, "Target Types") that are told by a content's first bytes. */
const TARGETS: Readonly<Record<string, string | undefined>> = {
  '0': '',
  '1': 'uint16(0) == 0x5a4d',
  '2': 'uint32be(0) == 0xd0cf11e0',
  '6': 'uint32be(0) == 0x7f454c46',
  '10': 'uint32be(0) == 0x25504446',
}

/** Characters of one signature; the longest of ClamAV have some thousands. */
const MOST_HEX = 32 * 1024
const MOST_NAME = 200

/**
 * Makes a rule of one line.
 * @param number makes the rule's name the only one of its kind
 * @returns undefined for a line that holds no signature, `refused` and why for one that is not taken
 */
export function ruleOfNdb(
  line: string,
  number: number,
): { readonly rule: string } | { readonly refused: string } | undefined {
  const text = line.trim()
  if (text === '' || text.startsWith('#')) return undefined
  const [name = '', target = '', offset = '', hex = ''] = text.split(':')
  if (!/^[\x21-\x7e]+$/.test(name) || name.length > MOST_NAME) return { refused: 'it has no name' }
  const kind = TARGETS[target]
  if (kind === undefined) return { refused: `its target ${target.slice(0, 20)} is none that is read here` }
  const place = placeOf(offset)
  if (place === undefined) return { refused: `its offset ${offset.slice(0, 40)} is none that is known here` }
  const bytes = hex.length > MOST_HEX ? undefined : hexOf(hex)
  if (bytes === undefined) return { refused: 'its bytes are written in a way that is not known here' }
  const condition = [...(kind === '' ? [] : [kind]), `$a${place}`].join(' and ')
  const identifier = `ClamAV_${number}_${name.replace(/[^A-Za-z0-9]/g, '_')}`.slice(0, 120)
  const description = name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
  return {
    rule:
      `rule ${identifier} {\n  meta:\n    description = "${description}"\n` +
      `  strings:\n    $a = { ${bytes} }\n  condition:\n    ${condition}\n}\n`,
  }
}

/** Where the bytes must stand, behind `$a`; undefined for a place that only ClamAV knows. */
function placeOf(offset: string): string | undefined {
  if (offset === '*') return ''
  const [, end, at = '', shift] = /^(EOF-)?(\d{1,10})(?:,(\d{1,10}))?$/.exec(offset) ?? []
  if (at === '') return undefined
  const start = end === undefined ? at : `filesize - ${at}`
  return shift === undefined ? ` at ${start}` : ` in (${start}..${start} + ${shift})`
}

/** The same bytes in the words of YARA; undefined for what it has none for. */
function hexOf(hex: string): string | undefined {
  const words: string[] = []
  let isJump = true
  for (let at = 0; at < hex.length;) {
    const rest = hex.slice(at, at + 1024)
    const [whole, pair, choice, gap] =
      /^(?:([0-9a-f?]{2})|\(((?:[0-9a-f?]{2})+(?:\|(?:[0-9a-f?]{2})+)+)\)|(\*|\{\d{0,6}-?\d{0,6}\}))/i.exec(
        rest,
      ) ?? []
    if (whole === undefined) return undefined
    if (pair !== undefined) words.push(pair)
    else if (choice !== undefined)
      words.push(`( ${choice.replace(/[0-9a-f?]{2}/gi, '$& ').replaceAll('|', '| ')})`)
    else {
      const jump = gap === undefined || isJump ? undefined : jumpOf(gap)
      if (jump === undefined) return undefined
      words.push(jump)
    }
    isJump = gap !== undefined
    at += whole.length
  }
  return isJump || words.every((word) => !/[0-9a-f]/i.test(word)) ? undefined : words.join(' ')
}

function jumpOf(gap: string): string | undefined {
  if (gap === '*') return '[-]'
  const [, from = '', dash, to = ''] = /^\{(\d*)(-?)(\d*)\}$/.exec(gap) ?? []
  if (dash === '') return from === '' ? undefined : `[${Number(from)}]`
  if (from === '' && to === '') return undefined
  if (from !== '' && to !== '' && Number(to) < Number(from)) return undefined
  return `[${Number(from)}-${to === '' ? '' : Number(to)}]`
}
