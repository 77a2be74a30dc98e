import { attributeKind, isDangerousTag, isDangerousUrl, isEventHandler, isScriptUrl } from './html-dangers.js'
import { tokenizeHtml } from './html-tokenizer.js'
import type { HtmlContext, HtmlToken } from './html-tokenizer.js'

/**
 * Tells whether a value reads as HTML that runs script, in one of the places it may have been pasted into: between tags, or into an attribute value
 * without quotes or between single, double or back quotes; or as a URL that does. Linear in the length of the value.
 */
export function detectXss(value: string): boolean {
  if (/[(&=`;,]/.test(value) && isScriptUrl(value)) return true
  if (!/[<=]/.test(value)) return false
  return opensWithHandler(value) || contexts(value).some((context) => runsScript(value, context, 1))
}

/** True when a value pasted between a tag's attributes begins with a handler of its own. */
function opensWithHandler(value: string): boolean {
  const name = /^[\0-\x20]{0,32}(on[a-z]{3,32})[\0-\x20/]{0,32}=/i.exec(value)?.[1]
  return name !== undefined && isEventHandler(name.toLowerCase()) && /[(`&]/.test(value)
}

/** Looks into the values of attributes and into comments too, once: where quotes are counted otherwise these are markup. */
function runsScript(value: string, context: HtmlContext, depth: number): boolean {
  let tag = ''
  for (const token of tokenizeHtml(value, context)) {
    if (token.kind === 'tag') tag = token.name
    if (isDangerous(token, tag, context === 'text' && tag !== '')) return true
    const inner = token.kind === 'attribute' ? token.value : token.kind === 'tag' ? undefined : token.text
    if (depth > 0 && inner?.includes('<') === true && runsScript(inner, 'text', depth - 1)) return true
  }
  return false
}

function contexts(value: string): readonly HtmlContext[] {
  const places: HtmlContext[] = ['text']
  if (value.includes('=')) places.push('unquoted')
  for (const quote of ["'", '"', '`'] as const) if (value.includes(quote)) places.push(quote)
  return places
}

function isDangerous(token: HtmlToken, tag: string, inTag: boolean): boolean {
  switch (token.kind) {
    case 'tag':
      return isDangerousTag(token.name)
    case 'declaration':
      return /^(?:doctype|entity|\[if|\[cdata|attlist|element)|^\?(?:import|xml|php|=|\s)/i.test(
        token.text.trimStart(),
      )
    case 'comment':
      // Old browsers ran what stands in conditional comments and ended comments at back quotes.
      return /`|\[if|<\?|import|entity|xml|^#(?:exec|include|echo)/i.test(token.text.slice(0, 4096))
    case 'attribute':
      return isDangerousAttribute(token.name, token.value, tag, inTag)
  }
}

function isDangerousAttribute(name: string, value: string | undefined, tag: string, inTag: boolean): boolean {
  // Old browsers let a handler's name end at any sign.
  if (value === undefined) return isEventHandler(name) && /[!-,:-@[-`{|}]/.test(name)
  // Netscape ran what stands in `&{}`; where a value is missing, the next attribute is taken for one.
  if (value.startsWith('&{') || isEventHandler(value.slice(0, 64).toLowerCase())) return inTag
  switch (attributeKind(name)) {
    case 'handler':
      return inTag || isEventHandler(name)
    case 'namespace':
    case 'document':
      return true
    case 'style':
      return /[:\\(&]/.test(value)
    case 'indirect':
      return (
        value.trim().toLowerCase() === 'innerhtml' || attributeKind(value.trim().toLowerCase()) !== 'plain'
      )
    case 'url':
      return isDangerousUrl(value) || (tag === 'a' && name === 'folder')
    case 'plain':
      return false
  }
}
