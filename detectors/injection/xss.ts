import { attributeKind, isDangerousTag, isDangerousUrl } from './html-dangers.js'
import { tokenizeHtml } from './html-tokenizer.js'
import type { HtmlContext, HtmlToken } from './html-tokenizer.js'

/**
 * Tells whether a value reads as HTML that runs script, in one of the places it may have been pasted into: between tags, or into an attribute value
 * without quotes or between single, double or back quotes. Linear in the length of the value.
 */
export function detectXss(value: string): boolean {
  if (!/[<=]/.test(value)) return isDangerousUrl(value) && /\(|&#|=|`/.test(value)
  for (const context of contexts(value)) {
    const tokens = tokenizeHtml(value, context)
    let tag = ''
    for (const token of tokens) {
      if (token.kind === 'tag') tag = token.name
      if (isDangerous(token, tag)) return true
    }
  }
  return false
}

function contexts(value: string): readonly HtmlContext[] {
  const places: HtmlContext[] = ['text']
  if (value.includes('=')) places.push('unquoted')
  for (const quote of ["'", '"', '`'] as const) if (value.includes(quote)) places.push(quote)
  return places
}

function isDangerous(token: HtmlToken, tag: string): boolean {
  switch (token.kind) {
    case 'tag':
      return isDangerousTag(token.name)
    case 'declaration':
      return /^(?:doctype|entity|\[if|\[cdata|attlist|element)|^\?(?:import|xml|php)|^%/i.test(
        token.text.trimStart(),
      )
    case 'comment':
      // Old browsers ran what stands in conditional comments and ended comments at back quotes.
      return /`|\[if|<\?|import|entity|xml/i.test(token.text.slice(0, 4096))
    case 'attribute':
      return isDangerousAttribute(token.name, token.value, tag)
  }
}

function isDangerousAttribute(name: string, value: string | undefined, tag: string): boolean {
  if (value === undefined) return false
  switch (attributeKind(name)) {
    case 'handler':
    case 'namespace':
    case 'document':
      return true
    case 'style':
      return /[:\\(&]/.test(value)
    case 'indirect':
      return attributeKind(value.trim().toLowerCase()) !== 'plain'
    case 'url':
      return isDangerousUrl(value) || (tag === 'a' && name === 'folder')
    case 'plain':
      return false
  }
}
