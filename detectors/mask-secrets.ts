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
 * two of them can be told apart. Linear: each step walks the text once.
 */
export function maskSecrets(text: string): string {
  if (text.length < 6) return text
  let out = hidePrivateKeys(text)
  out = out.replace(NAMED_SECRET, (_, lead: string, scheme: string) => lead + scheme + HIDDEN)
  out = out.replace(SCHEME_SECRET, (_, scheme: string, space: string) => scheme + space + HIDDEN)
  out = hideUserInfo(out)
  out = hideTokens(out)
  return hideCards(out)
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
