/** Writes MMDB files (format 2.0, IPv4, 24-bit records) for tests: a tree of networks and a value for each. */

type Value = string | number | readonly Value[] | { readonly [key: string]: Value }

const control = (type: number, size: number): Buffer => {
  const lead = size < 29 ? [size] : size < 285 ? [29, size - 29] : [30, (size - 285) >> 8, (size - 285) & 255]
  const [first = 0, ...rest] = lead
  return type > 7 ? Buffer.from([first, type - 7, ...rest]) : Buffer.from([(type << 5) | first, ...rest])
}

const number = (type: number, value: number, width: number): Buffer => {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(value))
  return Buffer.concat([control(type, width), bytes.subarray(8 - width)])
}

const encode = (value: Value): Buffer => {
  if (typeof value === 'string') {
    const text = Buffer.from(value)
    return Buffer.concat([control(2, text.length), text])
  }
  if (typeof value === 'number') {
    if (Number.isInteger(value) && value >= 0) return number(6, value, 4)
    const bytes = Buffer.alloc(8)
    bytes.writeDoubleBE(value)
    return Buffer.concat([control(3, 8), bytes])
  }
  if (Array.isArray(value)) return Buffer.concat([control(11, value.length), ...value.map(encode)])
  const entries = Object.entries(value)
  return Buffer.concat([
    control(7, entries.length),
    ...entries.flatMap(([key, each]) => [encode(key), encode(each)]),
  ])
}

interface Node {
  left?: Node | Buffer
  right?: Node | Buffer
}

/** @param networks IPv4 networks such as `192.0.2.0/24`, with what is known of each */
export const writeMmdb = (type: string, networks: Readonly<Record<string, Value>>): Buffer => {
  const root: Node = {}
  for (const [network, value] of Object.entries(networks)) {
    const [address = '', length = '32'] = network.split('/')
    const bits = address
      .split('.')
      .map((part) => Number(part).toString(2).padStart(8, '0'))
      .join('')
      .slice(0, Number(length))
    let node = root
    for (const [at, bit] of bits.split('').entries()) {
      const side = bit === '0' ? 'left' : 'right'
      if (at === bits.length - 1) node[side] = encode(value)
      else {
        const next = node[side]
        node = next === undefined || Buffer.isBuffer(next) ? (node[side] = {}) : next
      }
    }
  }
  const nodes: Node[] = []
  const index = new Map<Node, number>()
  const walk = (node: Node): void => {
    index.set(node, nodes.length)
    nodes.push(node)
    for (const side of [node.left, node.right]) if (side !== undefined && !Buffer.isBuffer(side)) walk(side)
  }
  walk(root)
  const data: Buffer[] = []
  let dataSize = 0
  const record = (side: Node | Buffer | undefined): number => {
    if (side === undefined) return nodes.length
    if (!Buffer.isBuffer(side)) return index.get(side) ?? nodes.length
    const at = dataSize
    data.push(side)
    dataSize += side.length
    return nodes.length + 16 + at
  }
  const tree = Buffer.alloc(nodes.length * 6)
  for (const [at, node] of nodes.entries()) {
    tree.writeUIntBE(record(node.left), at * 6, 3)
    tree.writeUIntBE(record(node.right), at * 6 + 3, 3)
  }
  const metadata = Buffer.concat([
    control(7, 9),
    encode('binary_format_major_version'),
    number(5, 2, 2),
    encode('binary_format_minor_version'),
    number(5, 0, 2),
    encode('build_epoch'),
    number(9, 1_700_000_000, 8),
    encode('database_type'),
    encode(type),
    encode('description'),
    encode({ en: 'made by a test' }),
    encode('ip_version'),
    number(5, 4, 2),
    encode('languages'),
    Buffer.concat([control(11, 1), encode('en')]),
    encode('node_count'),
    number(6, nodes.length, 4),
    encode('record_size'),
    number(5, 24, 2),
  ])
  return Buffer.concat([
    tree,
    Buffer.alloc(16),
    ...data,
    Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1'),
    metadata,
  ])
}
