const MADE_BY = 63

/**
 * A zip archive of one member (APPNOTE 4.3.7, 4.3.12, 4.3.16).
 * @param method how `packed` is packed (APPNOTE 4.4.5)
 * @param unpacked checksum and bytes of what it unpacks to
 */
export function lonelyMember(
  method: number,
  packed: Buffer,
  unpacked: { readonly crc: number; readonly size: number },
): Buffer {
  const name = Buffer.from('x')
  const common = Buffer.alloc(26)
  common.writeUInt16LE(MADE_BY, 0)
  common.writeUInt16LE(method, 4)
  common.writeUInt32LE(unpacked.crc, 10)
  common.writeUInt32LE(packed.length, 14)
  common.writeUInt32LE(unpacked.size, 18)
  common.writeUInt16LE(name.length, 22)
  const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, name])
  const entry = Buffer.concat([
    Buffer.from('PK\x01\x02', 'latin1'),
    Buffer.from([MADE_BY, 0]),
    common,
    Buffer.alloc(14),
    name,
  ])
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(1, 8)
  end.writeUInt16LE(1, 10)
  end.writeUInt32LE(entry.length, 12)
  end.writeUInt32LE(local.length + packed.length, 16)
  return Buffer.concat([local, packed, entry, end])
}
