const HIDDEN = '***'

/** Name, separator and value as they stand in JSON, forms, headers and command lines. */
const NAMED_SECRET =
  /((?:password|passwd|passphrase|pwd|secret|api[-_]?key|access[-_]?key|access[-_]?token|refresh[-_]?token|client[-_]?secret|authorization|token|session(?:[-_]?id)?|credentials?|jwt|[cx]srf|passcode|private[-_]?key|signature|(?<![a-z0-9])(?:sid|otp|pin|cvv|cvc|ssn|iban))["']?\s{0,4}[:=]\s{0,4}["']?)((?:(?:bearer|basic|digest|token)\s{1,4})?)[^\s&"',;<>(){}]+/gi

const SCHEME_SECRET = /\b(bearer|basic)(\s{1,4})[A-Za-z0-9+/_=.~-]{8,}/gi

const KNOWN_PREFIX =
  /^(?:gh[pousr]_|github_pat_|glpat-|sk-|sk_live_|rk_live_|xox[abeprs]-|AKIA|ASIA|AIza|ya29\.|npm_|dop_v1_|SG\.)/

/**
 * Hides secrets that show by their own form: private keys, card numbers, tokens of known makers, JSON Web Tokens, long
 * random-looking strings, passwords in URLs, and values beside a telling name. Four characters of a token stay, so that
 * two of them can be told apart. Linear: each step walks the text once, and a first walk says which steps can find anything.
 */
export function maskSecrets(text: string): string {
  if (text.length < 6) return text
  const forms = possibleSecrets(text)
  return forms === 0 ? text : hideSecrets(text, forms)
}

/** Every form, for {@link hideSecrets}. */
export const ALL_FORMS = 0b111111
const PRIVATE_KEY = 1
const NAMED = 2
const SCHEME = 4
const USER_INFO = 8
const TOKEN = 16
const CARD = 32

/** @param forms those to look for, as `possibleSecrets` says; a step never makes a secret of another form */
export function hideSecrets(text: string, forms: number): string {
  let out = text
  if ((forms & PRIVATE_KEY) !== 0) out = hidePrivateKeys(out)
  if ((forms & NAMED) !== 0)
    out = out.replace(NAMED_SECRET, (_, lead: string, scheme: string) => lead + scheme + HIDDEN)
  if ((forms & SCHEME) !== 0)
    out = out.replace(SCHEME_SECRET, (_, scheme: string, space: string) => scheme + space + HIDDEN)
  if ((forms & USER_INFO) !== 0) out = hideUserInfo(out)
  if ((forms & TOKEN) !== 0) out = hideTokens(out)
  if ((forms & CARD) !== 0) out = hideCards(out)
  return out
}

const IN_TOKEN = 1
const IN_CARD = 2
const SPACE = 4
/** The last letter of a name in `NAMED_SECRET`. */
const ENDS_NAME = 8
/** The last letter of a scheme in `SCHEME_SECRET`. */
const ENDS_SCHEME = 16

/** What a character can be a part of, by its code; those beyond Latin-1 are only ever taken for white space. */
const CLASSES = Uint8Array.from({ length: 256 }, (_, code) => {
  const char = String.fromCharCode(code)
  return (
    (/[A-Za-z0-9+_.-]/.test(char) ? IN_TOKEN : 0) |
    (/[\d -]/.test(char) ? IN_CARD : 0) |
    (/\s/.test(char) ? SPACE : 0) |
    (/[cdeflnpstvy]/i.test(char) ? ENDS_NAME : 0) |
    (/[rc]/i.test(char) ? ENDS_SCHEME : 0)
  )
})
const classAt = (text: string, at: number): number => CLASSES[text.charCodeAt(at)] ?? SPACE

/** How the names of `NAMED_SECRET` end. */
const NAME_END =
  /(?:word|wd|phrase|secret|key|token|authorization|session|id|credentials?|jwt|srf|passcode|signature|otp|pin|cvv|cvc|ssn|iban)$/i
const LONGEST_NAME = 13

/** Whether a colon or equals sign follows a name that tells a secret. */
const followsName = (text: string, sign: number): boolean => {
  let at = sign - 1
  for (let spaces = 0; spaces < 4 && at >= 0 && (classAt(text, at) & SPACE) !== 0; spaces++) at--
  if (text[at] === '"' || text[at] === "'") at--
  if ((classAt(text, at) & ENDS_NAME) === 0) return false
  return NAME_END.test(text.slice(Math.max(0, at + 1 - LONGEST_NAME), at + 1))
}

/** The forms of secrets that a text may hold, found in one walk: a form that is not among them is not there. */
function possibleSecrets(text: string): number {
  let forms = 0
  let token = 0
  let card = 0
  let hyphens = 0
  let before = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const found = CLASSES[code] ?? SPACE
    token = (found & IN_TOKEN) === 0 ? 0 : token + 1
    card = (found & IN_CARD) === 0 ? 0 : card + 1
    hyphens = code === 0x2d ? hyphens + 1 : 0
    if (token === 16) forms |= TOKEN
    if (card === 13) forms |= CARD
    if (hyphens === 5) forms |= PRIVATE_KEY
    if (code === 0x40) forms |= USER_INFO
    // `bearer ` or `basic `.
    if ((found & SPACE) !== 0 && (before & ENDS_SCHEME) !== 0) forms |= SCHEME
    if ((code === 0x3a || code === 0x3d) && (forms & NAMED) === 0 && followsName(text, at)) forms |= NAMED
    before = found
  }
  return forms
}

function hidePrivateKeys(text: string): string {
  let out = ''
  let from = 0
  for (;;) {
    const begin = text.indexOf('-----BEGIN ', from)
    if (begin === -1) return out + text.slice(from)
    const title = text.indexOf('-----', begin + 11)
    if (title === -1) return out + text.slice(from)
    const isKey = text.slice(begin, title).endsWith('KEY')
    const end = text.indexOf('-----END ', title)
    const after = end === -1 ? text.length : end
    out += text.slice(from, title + 5) + (isKey ? HIDDEN : text.slice(title + 5, after))
    from = Math.max(after, title + 5)
    if (end === -1) return out
    out += '-----END '
    from = end + 9
  }
}

/** `scheme://user:password@host`: hides the password. */
function hideUserInfo(text: string): string {
  if (!text.includes('://') || !text.includes('@')) return text
  return text.replace(
    /:\/\/([^\s/?#:@]{0,256}):([^\s/?#@]{1,256})@/g,
    (_, user: string) => `://${user}:${HIDDEN}@`,
  )
}

function hideTokens(text: string): string {
  return text.replace(/[A-Za-z0-9+_.-]+/g, (run) => {
    if (run.length < 16) return run
    const known = KNOWN_PREFIX.exec(run)
    if (known) return known[0] + HIDDEN
    if (run.startsWith('eyJ') && run.split('.').length >= 3) return `eyJ${HIDDEN}`
    return run.replace(/[A-Za-z0-9+_]+/g, (part) => (isRandom(part) ? part.slice(0, 4) + HIDDEN : part))
  })
}

/** A UUID is no secret and does not count: its hyphens part it. */
function isRandom(part: string): boolean {
  if (part.length < 32 || !/\d/.test(part)) return false
  return /^[0-9a-f]+$/i.test(part) ? /[a-f]/i.test(part) : /[A-Z]/.test(part) && /[a-z]/.test(part)
}

/** Card numbers: 13 to 19 digits, also in groups parted by one space or hyphen, with a right check digit (Luhn). */
function hideCards(text: string): string {
  return text.replace(/(?<![A-Za-z0-9-])\d[\d-]*(?: \d[\d-]*)*/g, (run, offset: number) => {
    // Beside letters it is a part of an identifier, such as a UUID.
    if (run.length < 13 || /[A-Za-z]/.test(text.charAt(offset + run.length))) return run
    const groups = run.split(' ')
    const out: string[] = []
    for (let first = 0; first < groups.length;) {
      const card = cardAt(groups, first)
      out.push(card?.shown ?? groups[first] ?? '')
      first = card?.next ?? first + 1
    }
    return out.join(' ')
  })
}

/** A card number that starts with group `first`, as it may be shown, and the group after it. */
function cardAt(groups: readonly string[], first: number): { shown: string; next: number } | undefined {
  let digits = ''
  for (let last = first; last < groups.length && digits.length < 19; last++) {
    digits += (groups[last] ?? '').replaceAll('-', '')
    if (digits.length >= 13 && digits.length <= 19 && luhn(digits)) {
      return { shown: `${digits.slice(0, 4)}${HIDDEN}${digits.slice(-4)}`, next: last + 1 }
    }
    // A group of hyphens only adds nothing, and a card number has few groups.
    if (last - first > 8) return undefined
  }
  return undefined
}

function luhn(digits: string): boolean {
  let sum = 0
  for (let i = 0; i < digits.length; i++) {
    let d = digits.charCodeAt(digits.length - 1 - i) - 48
    if (i % 2 === 1) d = d * 2 > 9 ? d * 2 - 9 : d * 2
    sum += d
  }
  return sum % 10 === 0
}
