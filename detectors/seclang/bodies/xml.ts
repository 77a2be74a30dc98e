import { SaxesParser } from 'saxes'
import { utf8ByteString } from '../../transaction/bytes.js'
import type { BodyProcessor, XmlNode } from './body.js'

/** Most elements, attributes and pieces of text of one document. */
export const MAX_XML_NODES = 100_000
export const MAX_XML_DEPTH = 256

class XmlLimitError extends Error {
  constructor(
    readonly limit: string,
    message: string,
  ) {
    super(message)
  }
}

/** A document type that declares entities is refused: nothing is ever expanded, inside or outside. */
const ENTITY_DECLARATION = /<!ENTITY/i

/**
 * Reads XML without ever expanding an entity of the document's own. What was read before an error is kept for `XML:/*`.
 */
export const xml: BodyProcessor = (body, _contentType, limits) => {
  const builder = new TreeBuilder()
  try {
    builder.parse(decode(body), limits.complete)
    return { args: [], ...builder.tree(), error: builder.error, limits: [] }
  } catch (error) {
    if (!(error instanceof XmlLimitError)) throw error
    return { args: [], ...builder.tree(), error: `XML: ${error.message}`, limits: [error.limit] }
  }
}

interface MutableNode extends XmlNode {
  readonly attributes: { name: string; uri: string; value: string }[]
  readonly parent: MutableNode | undefined
}

class TreeBuilder {
  error = ''
  #root: XmlNode | undefined
  #open: MutableNode | undefined
  #depth = 0
  #nodes = 0

  tree(): { readonly xml?: XmlNode } {
    return this.#root === undefined ? {} : { xml: this.#root }
  }

  parse(text: string, complete: boolean): void {
    const parser = new SaxesParser({ xmlns: true })
    parser.on('error', (error) => this.#fail(error.message))
    parser.on('doctype', (doctype) => {
      if (ENTITY_DECLARATION.test(doctype)) this.#fail('the document declares entities')
    })
    parser.on('opentag', (tag) => {
      this.#count(1)
      if (++this.#depth > MAX_XML_DEPTH) throw new XmlLimitError('xml_depth', `deeper than ${MAX_XML_DEPTH}`)
      const attributes = Object.values(tag.attributes).map((attribute) => ({
        name: utf8ByteString(attribute.local),
        uri: attribute.uri,
        value: utf8ByteString(attribute.value),
      }))
      this.#count(attributes.length)
      const node = {
        name: utf8ByteString(tag.local),
        uri: tag.uri,
        attributes,
        parent: this.#open,
        children: [],
      }
      this.#open?.children.push(node)
      this.#root ??= node
      this.#open = node
    })
    parser.on('closetag', () => {
      this.#depth--
      this.#open = this.#open?.parent
    })
    const text_ = (piece: string): void => {
      this.#count(1)
      this.#open?.children.push(utf8ByteString(piece))
    }
    parser.on('text', text_)
    parser.on('cdata', text_)
    parser.write(text)
    // Closing complains of elements that are still open.
    if (complete) parser.close()
  }

  #count(nodes: number): void {
    this.#nodes += nodes
    if (this.#nodes > MAX_XML_NODES) throw new XmlLimitError('xml_nodes', `more than ${MAX_XML_NODES} nodes`)
  }

  #fail(message: string): void {
    if (this.error === '') this.error = `XML: ${message}`
  }
}

/** The text of the document: UTF-16 by its byte order mark, else UTF-8, else one character per byte. */
function decode(body: string): string {
  const bytes = Buffer.from(body, 'latin1')
  if (body.startsWith('\xff\xfe')) return new TextDecoder('utf-16le').decode(bytes)
  if (body.startsWith('\xfe\xff')) return new TextDecoder('utf-16be').decode(bytes)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return body
  }
}
