/** Markup that runs script or loads what does; our own selection from the HTML and SVG standards and from what old browsers did. */

const tags = new Set(
  `applet base basefont bgsound embed frame frameset handler iframe ilayer import isindex layer link listener math meta noscript object script style svg template vmlframe xml xss
   animation foreignobject portal`.split(/\s+/),
)

const tagPrefixes = ['svg', 'xsl', 'xml', 'xss', 'script', 'iframe']

/** What an attribute means for its value. */
export type AttributeKind = 'handler' | 'namespace' | 'style' | 'url' | 'indirect' | 'document' | 'plain'

const urls = new Set(
  `action background by codebase data dynsrc folder formaction from href lowsrc manifest ping poster src srcset to values xlink:href xlink:actuate profile code archive classid content icon usemap longdesc
   cite`.split(/\s+/),
)

/** Words that begin like a handler and are none. */
const words = new Set([
  'online',
  'only',
  'once',
  'onto',
  'onward',
  'onwards',
  'ontario',
  'one',
  'ones',
  'onion',
  'ongoing',
  'onsite',
  'onboard',
  'onset',
  'onus',
])

/** A name may hold a tag that a careless filter lays bare, as in `<scr<script>ipt>`. */
export function isDangerousTag(name: string): boolean {
  const inner = name.lastIndexOf('<')
  return isActiveTag(name) || (inner >= 0 && isActiveTag(name.slice(inner + 1)))
}

function isActiveTag(name: string): boolean {
  return tags.has(name) || tagPrefixes.some((prefix) => name.startsWith(prefix))
}

/** Events of the standards and of old browsers, by how their names begin. */
const events =
  /^on(?:abort|activate|after|animation|auxclick|before|begin|blur|bounce|cancel|canplay|cell|change|click|close$|command|contentvis|contextm|controls|copy|cue|cut|data|dbl|deactiv|device|drag|drop|duration|emptied|end|error|filter|finish|focus|form|fullscreen|gesture|gotp|hashch|help|input|invalid|key|language|layout|load|lose|lost|media|message|mouse|move|moz|offline|open$|orientation|outofsync|page|paint|paste|pause|play|pointer|popstate|progress|property|ratechange|readystate|rejection|repeat|reset|resize|resume|reverse|row|scroll|search|securitypol|seek|select|show|slotch|snap|stalled|start|stop|storage|submit|suspend|syncrest|timeerror|timeupdate|toggle|touch|track|transition|undo|unhandled|unload|urlflip|volume|wait|webkit|wheel|zoom)/

/** True for a name that is surely an event handler's; in plain text other words begin with "on" too. */
export function isEventHandler(name: string): boolean {
  return events.test(name)
}

export function attributeKind(name: string): AttributeKind {
  if (/^on[a-z]{3,}/.test(name) && !words.has(name)) return 'handler'
  if (name === 'xmlns' || name.startsWith('xmlns:')) return 'namespace'
  if (name === 'style' || name === 'filter') return 'style'
  if (name === 'srcdoc' || name === 'datasrc' || name === 'dataformatas') return 'document'
  if (name === 'attributename') return 'indirect'
  return urls.has(name) ? 'url' : 'plain'
}

const schemes = /^(?:javascript|vbscript|livescript|mocha|data|view-source|jar|feed|vbs|ms-its|mhtml):/
const ignored = /[\0-\x20\x7f-\xa0]+/g
const reference = /&(?:#(?:x0*([0-9a-f]{1,6})|0*(\d{1,7}))|(tab|newline|colon|nbsp));?/gi
const named: ReadonlyMap<string, string> = new Map([
  ['tab', '\t'],
  ['newline', '\n'],
  ['colon', ':'],
  ['nbsp', ' '],
])
/** A scheme stands at the start of a URL; a little more than the longest, written in long references, is looked at. */
const schemeWindow = 1024

const wholeUrl = /^[\0-\x20]*(?:(?:javascript|vbscript|livescript|vbs)\s*:|data:[\w/+.-]*[;,])/i

/** True when a value is a URL that runs script, without any markup: text goes on after "data:", a URL names its media type. */
export function isScriptUrl(value: string): boolean {
  return (
    isDangerousUrl(value) &&
    (/&#|&(?:tab|newline|colon)/i.test(value.slice(0, schemeWindow)) ||
      wholeUrl.test(value) ||
      /^\s*j[\s\0]*a[\s\0]*v[\s\0]*a[\s\0]*s/i.test(value.slice(0, 64)))
  )
}

/** What a scheme above begins with, behind what is skipped before it. */
const beginning = /^[\0-\x20\x7f-\xa0\\"'`]*[jvlmdf]/i

/** True when a URL runs script; character references and what browsers skip are removed first. */
export function isDangerousUrl(url: string): boolean {
  const start = url.length > schemeWindow ? url.slice(0, schemeWindow) : url
  // Without references every sign stands for itself, and most values are no URL at all.
  if (!start.includes('&')) return start.includes(':') && beginning.test(start) && schemes.test(bare(start))
  return schemes.test(
    bare(
      start.replace(reference, (_, hex?: string, decimal?: string, name?: string) => {
        if (name !== undefined) return named.get(name.toLowerCase()) ?? ''
        const code = hex !== undefined ? parseInt(hex, 16) : Number(decimal)
        return String.fromCharCode(code & 0xffff)
      }),
    ),
  )
}

/** A URL in lower case without what browsers skip. */
function bare(url: string): string {
  return url
    .replace(ignored, '')
    .replace(/^[\\"'`]+/, '')
    .toLowerCase()
}
