/** A stored block's header: what follows it is written out (RFC 1951, section 3.2.4). Five bytes, as each opcode here. */
const literal = (length: number): Buffer => {
  const opcode = Buffer.from([0, 0, 0, 0, 0])
  opcode.writeUInt16LE(length, 1)
  opcode.writeUInt16LE(length ^ 0xffff, 3)
  return opcode
}

/** A block of fixed codes that writes the last 17 to 20 bytes once more: two matches, and 40 bits as it happens. */
const repeat = (length: number): Buffer => {
  const code = (value: number, bits: number): string => value.toString(2).padStart(bits, '0')
  const reverse = (bits: string): string => bits.split('').toReversed().join('')
  const match = (part: number): string => code(part - 2, 7) + code(8, 5) + reverse(code(length - 17, 3))
  const bits = '0' + '10' + match(10) + match(length - 10) + code(0, 7)
  return Buffer.from(bits.match(/.{8}/g)!.map((byte) => Number.parseInt(reverse(byte), 2)))
}

/**
 * A gzip file that unpacks to itself, after Russ Cox's "Zip Files All The Way Down" (2010): its stream is a program of two
 * opcodes, "write the following" and "repeat the last". Its checksum is not right, which no limit may depend on.
 */
export function gzipQuine(): Buffer {
  const head = Buffer.from('1f8b08080000000000ff' + Buffer.from('self\0').toString('hex'), 'hex')
  const tail = Buffer.concat([Buffer.from([1, 0, 0, 0xff, 0xff]), Buffer.alloc(8)])
  const [withHead, withTail] = [head.length + 5, tail.length + 5]
  const [none, one, four] = [literal(0), literal(5), literal(20)]
  const [headNext, tailNext] = [literal(withHead), literal(withTail)]
  const [headAgain, tailAgain, again] = [repeat(withHead), repeat(withTail), repeat(20)]
  const program = [
    [head, headNext, head, headNext, headAgain, one, headAgain, one, one],
    [four, headAgain, one, one, four, again],
    [four, again, four, again, four, again],
    [four, again, none, none, tailNext, again],
    [none, none, tailNext, tailAgain, tail, tailAgain, tail],
  ]
  return Buffer.concat(program.flat())
}
