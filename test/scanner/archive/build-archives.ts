import { crc32, deflateRawSync } from 'node:zlib'
import { pack, type Header } from 'tar-stream'

export interface ZipMember {
  readonly name: string
  readonly content: string | Buffer
  /** 0 stored, 8 deflated (default); another one is written over stored bytes. */
  readonly method?: number
  readonly flags?: number
  /** What the directory says instead. */
  readonly listed?: { readonly method?: number; readonly flags?: number } | false
  /** Sizes stand behind the content and not in the local header. */
  readonly descriptor?: boolean
  /** Sizes and offset stand in zip64 fields. */
  readonly wide?: boolean
}

const ALL = 0xffffffff

const u16 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2)
  values.forEach((value, index) => bytes.writeUInt16LE(value, index * 2))
  return bytes
}
const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeUInt32LE(value >>> 0, index * 4))
  return bytes
}
const u64 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 8)
  values.forEach((value, index) => bytes.writeBigUInt64LE(BigInt(value), index * 8))
  return bytes
}

export const endRecord = (count: number, size: number, offset: number, comment = ''): Buffer =>
  Buffer.concat([
    Buffer.from('PK\x05\x06', 'latin1'),
    u16(0, 0, count, count),
    u32(size, offset),
    u16(comment.length),
    Buffer.from(comment, 'latin1'),
  ])

/** A zip archive, as correct or as wrong as the test wants it. */
export function zip(members: readonly ZipMember[], { comment = '', wideEnd = false } = {}): Buffer {
  const bodies: Buffer[] = []
  const entries: Buffer[] = []
  let at = 0
  for (const { name, content, method = 8, flags = 0, listed = {}, descriptor, wide } of members) {
    const plain = Buffer.from(content)
    const packed = method === 8 ? deflateRawSync(plain) : plain
    const rawName = Buffer.from(name)
    const bits = flags | (descriptor ? 8 : 0)
    const sizes = [crc32(plain), packed.length, plain.length]
    const extra = wide ? Buffer.concat([u16(1, 16), u64(plain.length, packed.length)]) : Buffer.alloc(0)
    const shown = descriptor ? [0, 0, 0] : wide ? [sizes[0]!, ALL, ALL] : sizes
    const body = Buffer.concat([
      Buffer.from('PK\x03\x04', 'latin1'),
      u16(20, bits, method, 0, 0),
      u32(...shown),
      u16(rawName.length, extra.length),
      rawName,
      extra,
      packed,
      ...(descriptor ? [Buffer.from('PK\x07\x08', 'latin1'), u32(...sizes)] : []),
    ])
    if (listed !== false) {
      const wideExtra = wide ? Buffer.concat([u16(1, 24), u64(plain.length, packed.length, at)]) : extra
      entries.push(
        Buffer.from('PK\x01\x02', 'latin1'),
        u16(20, 20, listed.flags ?? bits, listed.method ?? method, 0, 0),
        u32(...(wide ? [sizes[0]!, ALL, ALL] : sizes)),
        u16(rawName.length, wideExtra.length, 0, 0, 0),
        u32(0, wide ? ALL : at),
        rawName,
        wideExtra,
      )
    }
    bodies.push(body)
    at += body.length
  }
  const directory = Buffer.concat(entries)
  const count = members.filter(({ listed }) => listed !== false).length
  const wideRecords = wideEnd
    ? [
        Buffer.from('PK\x06\x06', 'latin1'),
        u64(44),
        u16(45, 45),
        u32(0, 0),
        u64(count, count, directory.length, at),
        Buffer.from('PK\x06\x07', 'latin1'),
        u32(0),
        u64(at + directory.length),
        u32(1),
      ]
    : []
  const end = wideEnd ? endRecord(0xffff, ALL, ALL, comment) : endRecord(count, directory.length, at, comment)
  return Buffer.concat([...bodies, directory, ...wideRecords, end])
}

/** A tar archive. */
export async function tar(
  members: readonly {
    readonly name: string
    readonly content?: string | Buffer
    readonly header?: Partial<Header>
  }[],
): Promise<Buffer> {
  const archive = pack()
  for (const { name, content = '', header = {} } of members)
    archive.entry({ name, ...header }, Buffer.from(content))
  archive.finalize()
  const pieces: Buffer[] = []
  for await (const piece of archive as AsyncIterable<Buffer>) pieces.push(piece)
  return Buffer.concat(pieces)
}

/**
 * A flat zip bomb: all members of the directory share one packed content, each local header quoted by the one before in a
 * deflate block that is not compressed.
 */
export function overlappingBomb(members: number, unpackedSize: number): Buffer {
  const kernel = deflateRawSync(Buffer.alloc(unpackedSize), { level: 9 })
  const local = (index: number, size: number): Buffer =>
    Buffer.concat([
      Buffer.from('PK\x03\x04', 'latin1'),
      u16(20, 0, 8, 0, 0),
      u32(0, size, unpackedSize),
      u16(4, 0),
      Buffer.from(String(index).padStart(4, '0')),
    ])
  let tail = kernel
  const headers: { readonly size: number; readonly length: number }[] = []
  for (let index = members - 1; index >= 0; index--) {
    const header = local(index, tail.length)
    headers.unshift({ size: tail.length, length: tail.length + header.length })
    const whole = Buffer.concat([header, tail])
    // A stored block that holds the next member's header, and then goes on in that member's own stream.
    tail =
      index === 0
        ? whole
        : Buffer.concat([Buffer.from([0]), u16(header.length, header.length ^ 0xffff), whole])
  }
  const entries = headers.map(({ size, length }, index) =>
    Buffer.concat([
      Buffer.from('PK\x01\x02', 'latin1'),
      u16(20, 20, 0, 8, 0, 0),
      u32(0, size, unpackedSize),
      u16(4, 0, 0, 0, 0),
      u32(0, tail.length - length),
      Buffer.from(String(index).padStart(4, '0')),
    ]),
  )
  const directory = Buffer.concat(entries)
  return Buffer.concat([tail, directory, endRecord(members, directory.length, tail.length)])
}

/** A 7z archive of one stored member, both with less than 128 bytes. */
export function sevenZip(name: string, content: string): Buffer {
  const rawName = Buffer.concat([Buffer.from([0]), Buffer.from(`${name}\0`, 'utf16le')])
  const header = Buffer.concat([
    // Where the packed bytes are; one folder with the coder "copy"; end of the streams.
    Buffer.from([0x01, 0x04, 0x06, 0, 1, 0x09, content.length, 0]),
    Buffer.from([0x07, 0x0b, 1, 0, 1, 0x01, 0x00, 0x0c, content.length, 0]),
    Buffer.concat([Buffer.from([0x08, 0x0a, 1]), u32(crc32(content)), Buffer.from([0, 0])]),
    Buffer.from([0x05, 1, 0x11, rawName.length]),
    rawName,
    // Attributes: an archive file.
    Buffer.from([0x15, 6, 1, 0, 0x20, 0, 0, 0]),
    Buffer.from([0, 0]),
  ])
  const start = Buffer.concat([u64(content.length, header.length), u32(crc32(header))])
  return Buffer.concat([
    Buffer.from('377abcaf271c0004', 'hex'),
    u32(crc32(start)),
    start,
    Buffer.from(content),
    header,
  ])
}

/** RAR's numbers of variable length: seven bits a byte, the lowest first. */
const vint = (value: number): Buffer => {
  const bytes: number[] = []
  for (; value > 0x7f; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80)
  return Buffer.from([...bytes, value])
}

/**
 * A RAR 5 archive of one member.
 * @param method 0 for stored, 1 to 5 for compressed, and what is no method
 * @param packed the bytes as the method packs them
 */
export function rar5(
  name: string,
  content: string | Buffer,
  method = 0,
  packed: string | Buffer = content,
): Buffer {
  const data = Buffer.from(packed)
  const unpacked = Buffer.from(content)
  const header = (...fields: readonly Buffer[]): Buffer => {
    const body = Buffer.concat(fields)
    const sized = Buffer.concat([vint(body.length), body])
    return Buffer.concat([u32(crc32(sized)), sized])
  }
  const rawName = Buffer.from(name)
  return Buffer.concat([
    Buffer.from('526172211a070100', 'hex'),
    header(vint(1), vint(0), vint(0)),
    // Data follows; a checksum is stated; stored; made on Unix.
    header(
      ...[2, 2, data.length, 4, unpacked.length, 0o100644].map(vint),
      u32(crc32(unpacked)),
      ...[method << 7, 1, rawName.length].map(vint),
      rawName,
    ),
    data,
    header(vint(5), vint(0), vint(0)),
  ])
}

/** Compresses as RAR 5 does, by its means though not well: one block of codes of eight bits, one for each byte. */
export function rar5Block(content: string | Buffer): Buffer {
  const codes = Buffer.from(content)
  const fields: (readonly [value: number, bits: number])[] = [
    // Lengths of the codes for lengths: two bits for 8, "as before" (17) and runs of zeros (18, 19).
    ...Array.from({ length: 20 }, (_, symbol) => [[8, 17, 18, 19].includes(symbol) ? 2 : 0, 4] as const),
    // 256 codes of eight bits, then none for the 174 lengths and distances.
    [0b00, 2],
    ...[138 - 11, 117 - 11].flatMap((run) => [[0b01, 2] as const, [run, 7] as const]),
    ...[138 - 11, 36 - 11].flatMap((run) => [[0b11, 2] as const, [run, 7] as const]),
    ...Array.from(codes, (byte) => [byte, 8] as const),
  ]
  const bits = fields.map(([value, width]) => value.toString(2).padStart(width, '0')).join('')
  const bytes = Buffer.from(
    (bits.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, '0'), 2)),
  )
  // A table is present, the block is the last, its size has two bytes; how many bits of the last byte count.
  const flags = 0x80 | 0x40 | (1 << 3) | ((bits.length + 7) % 8)
  const size = u16(bytes.length)
  const check = 0x5a ^ flags ^ (size[0] ?? 0) ^ (size[1] ?? 0)
  return Buffer.concat([Buffer.from([flags, check]), size, bytes])
}

/** A RAR 4 archive of one stored member. */
export const rar4 = (name: string, content: string | Buffer): Buffer => rar4Of([{ name, content }])

/** A RAR 4 archive. @param method 0x30 for members that are stored */
export function rar4Of(
  members: readonly { readonly name: string; readonly content: string | Buffer; readonly method?: number }[],
): Buffer {
  const header = (...fields: readonly Buffer[]): Buffer => {
    const body = Buffer.concat(fields)
    return Buffer.concat([u16(crc32(body) & 0xffff), body])
  }
  return Buffer.concat([
    Buffer.from('526172211a0700', 'hex'),
    header(Buffer.from([0x73]), u16(0, 13), Buffer.alloc(6)),
    ...members.flatMap(({ name, content, method = 0x30 }) => {
      const data = Buffer.from(content)
      const rawName = Buffer.from(name)
      return [
        header(
          Buffer.from([0x74]),
          u16(0x8000, 32 + rawName.length),
          u32(data.length, data.length),
          Buffer.from([3]),
          u32(crc32(data), 0),
          Buffer.from([20, method]),
          u16(rawName.length),
          u32(0o100644),
          rawName,
        ),
        data,
      ]
    }),
    header(Buffer.from([0x7b]), u16(0x4000, 7)),
  ])
}

/** An e-mail with one attachment. */
export function email(
  name: string,
  content: string | Buffer,
  coding: '7bit' | 'base64' | 'quoted-printable' = 'base64',
): Buffer {
  const bytes = Buffer.from(content)
  const body = {
    '7bit': bytes,
    base64: Buffer.from(bytes.toString('base64').replace(/.{76}/g, '$&\r\n')),
    'quoted-printable': Buffer.from(
      [...bytes]
        .map(
          (byte, at) =>
            `=${byte.toString(16).toUpperCase().padStart(2, '0')}${at % 20 === 19 ? '=\r\n' : ''}`,
        )
        .join(''),
    ),
  }[coding]
  return Buffer.concat([
    Buffer.from(
      'Received: from a by b; Sat, 21 Nov 2026 10:00:00 +0000\r\nFrom: a@example.org\r\nSubject: test\r\n' +
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n\tboundary="=_outer"\r\n\r\nA preamble.\r\n' +
        '--=_outer\r\nContent-Type: text/plain\r\n\r\nHello.\r\n' +
        `--=_outer\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: ${coding}\r\n` +
        `Content-Disposition: attachment; filename="${name}"\r\n\r\n`,
    ),
    body,
    Buffer.from('\r\n--=_outer--\r\nAn epilogue.\r\n'),
  ])
}
