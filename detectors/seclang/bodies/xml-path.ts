import type { Entry } from '../collections/entry.js'
import { SecLangError } from '../errors.js'
import type { SourcePosition } from '../operator.js'
import type { XmlNode } from './body.js'

type NodeTest =
  | { readonly kind: 'element' | 'attribute'; readonly prefix: string; readonly name: string }
  | { readonly kind: 'text' }

type Predicate =
  | { readonly kind: 'position'; readonly position: number }
  | { readonly kind: 'has_text' }
  | { readonly kind: 'attribute'; readonly name: string; readonly value: string | undefined }

interface Step {
  /** `//`: anywhere below, not only directly. */
  readonly descend: boolean
  readonly test: NodeTest
  readonly predicates: readonly Predicate[]
}

/** Most characters that one selection gives: elements inside each other repeat the text of the inner ones. */
export const MAX_SELECTED_CHARACTERS = 32 * 1024 * 1024

export interface XmlPath {
  readonly expression: string
  readonly steps: readonly Step[]
  /** Whether names in it have prefixes, which each rule may declare otherwise (`xmlns`). */
  readonly prefixed: boolean
}

const STEP = /^(\/\/?)(?:(text\(\))|(@?)(?:([\w.-]{1,128}):)?(\*|[\w.-]{1,128}))((?:\[[^\]]{1,128}\]){0,8})/
const PREDICATE = /\[\s*(?:(\d{1,6})|(text\(\))|@([\w.-]{1,128})\s*(?:=\s*(?:'([^']*)'|"([^"]*)"))?)\s*\]/g

/**
 * Reads an absolute location path of XPath 1.0: steps by name, `*`, `@name`, `@*`, `text()`, after `/` or `//`, with the predicates `[1]`,
 * `[text()]`, `[@a]`, `[@a='b']`. Anything beyond is refused with its place.
 */
export function parseXmlPath(expression: string, position: SourcePosition): XmlPath {
  const steps: Step[] = []
  let rest = expression.trim()
  while (rest !== '') {
    const match = STEP.exec(rest)
    if (match === null) {
      const message = `XML:${expression}: this XPath is not understood at ${JSON.stringify(rest.slice(0, 40))}`
      throw new SecLangError('SECLANG_BAD_ARGUMENT', message, position)
    }
    const [whole, slashes, text, at, prefix = '', name = '', predicates = ''] = match
    const test: NodeTest =
      text !== undefined ? { kind: 'text' } : { kind: at === '@' ? 'attribute' : 'element', prefix, name }
    steps.push({
      descend: slashes === '//',
      test,
      predicates: parsePredicates(predicates, expression, position),
    })
    rest = rest.slice(whole.length)
  }
  if (steps.length === 0) throw new SecLangError('SECLANG_BAD_ARGUMENT', 'XML wants an XPath', position)
  const prefixed = steps.some(({ test }) => test.kind !== 'text' && test.prefix !== '')
  return { expression, steps, prefixed }
}

function parsePredicates(text: string, expression: string, position: SourcePosition): readonly Predicate[] {
  const predicates: Predicate[] = []
  let length = 0
  for (const match of text.matchAll(PREDICATE)) {
    const [whole, number, hasText, attribute, single, double] = match
    length += whole.length
    if (number !== undefined) predicates.push({ kind: 'position', position: Number(number) })
    else if (hasText !== undefined) predicates.push({ kind: 'has_text' })
    else predicates.push({ kind: 'attribute', name: attribute ?? '', value: single ?? double })
  }
  if (length !== text.length) {
    throw new SecLangError(
      'SECLANG_BAD_ARGUMENT',
      `XML:${expression}: predicate ${text} is not understood`,
      position,
    )
  }
  return predicates
}

/** The selected nodes: an element gives the text of all below it, an attribute its value. */
export function selectXml(
  root: XmlNode,
  path: XmlPath,
  namespaces: ReadonlyMap<string, string> | undefined,
  truncate: (limit: string) => void,
): readonly Entry[] {
  const document: XmlNode = { name: '', uri: '', attributes: [], parent: undefined, children: [root] }
  let nodes: readonly XmlNode[] = [document]
  for (const [index, step] of path.steps.entries()) {
    const last = index === path.steps.length - 1
    if (step.test.kind !== 'element') {
      const values = step.descend ? unique(nodes.map((node) => withDescendants(node))) : nodes
      return last ? leafEntries(values, step, path, namespaces) : []
    }
    nodes = unique(nodes.map((node) => stepElements(node, step, namespaces)))
  }
  const entries: Entry[] = []
  let characters = 0
  for (const node of nodes) {
    const value = textOf(node)
    characters += value.length
    entries.push({ key: path.expression, value })
    if (characters > MAX_SELECTED_CHARACTERS) {
      truncate('xml_selection')
      break
    }
  }
  return entries
}

function stepElements(
  node: XmlNode,
  step: Step,
  namespaces: ReadonlyMap<string, string> | undefined,
): readonly XmlNode[] {
  const parents = step.descend ? withDescendants(node) : [node]
  return parents.flatMap((parent) => {
    let found = elementsOf(parent).filter((child) => matchesName(child, step.test, namespaces))
    for (const predicate of step.predicates) found = found.filter((child, at) => holds(child, at, predicate))
    return found
  })
}

function holds(node: XmlNode, at: number, predicate: Predicate): boolean {
  switch (predicate.kind) {
    case 'position':
      return predicate.position === at + 1
    case 'has_text':
      return node.children.some((child) => typeof child === 'string')
    case 'attribute':
      return node.attributes.some(
        ({ name, value }) =>
          name === predicate.name && (predicate.value === undefined || value === predicate.value),
      )
  }
}

function leafEntries(
  nodes: readonly XmlNode[],
  { test }: Step,
  path: XmlPath,
  namespaces: ReadonlyMap<string, string> | undefined,
): readonly Entry[] {
  const key = path.expression
  const entries: Entry[] = []
  for (const { children, attributes } of nodes) {
    if (test.kind === 'text') {
      for (const child of children) if (typeof child === 'string') entries.push({ key, value: child })
    } else {
      for (const attribute of attributes)
        if (matchesName(attribute, test, namespaces)) entries.push({ key, value: attribute.value })
    }
  }
  return entries
}

function matchesName(
  node: { readonly name: string; readonly uri: string },
  test: NodeTest,
  namespaces: ReadonlyMap<string, string> | undefined,
): boolean {
  if (test.kind === 'text') return false
  if (test.prefix !== '' && namespaces?.get(test.prefix) !== node.uri) return false
  return test.name === '*' || test.name === node.name
}

function elementsOf(node: XmlNode): readonly XmlNode[] {
  return node.children.filter((child) => typeof child !== 'string')
}

/** A node and all elements below it in document order. Documents are not deep (`MAX_XML_DEPTH`). */
function withDescendants(node: XmlNode, found: XmlNode[] = []): readonly XmlNode[] {
  found.push(node)
  for (const child of node.children) if (typeof child !== 'string') withDescendants(child, found)
  return found
}

/** All text below a node in document order. */
function textOf(node: XmlNode): string {
  const pieces: string[] = []
  addText(node, pieces)
  return pieces.join('')
}

function addText({ children }: XmlNode, pieces: string[]): void {
  for (const child of children) {
    if (typeof child === 'string') pieces.push(child)
    else addText(child, pieces)
  }
}

/** All nodes of some lists, each once; a list names none twice. */
function unique(lists: readonly (readonly XmlNode[])[]): readonly XmlNode[] {
  const [only] = lists
  return only !== undefined && lists.length === 1 ? only : [...new Set(lists.flat())]
}
