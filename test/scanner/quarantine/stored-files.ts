/** The files that a storer takes away and puts back, and how large each is. */
export const FILE_BYTES = 2 * 1024 * 1024
export const FILES = ['a', 'b', 'c']
