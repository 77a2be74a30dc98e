/** Where the first descriptor of an ISO 9660 file system stands (ECMA-119, sections 6.2.1 and 8.1). */
const FIRST_DESCRIPTOR = 16 * 2048

/** Whether a content is an ISO 9660 image, whatever else it is: the first 32 KiB are free for any use. */
export const isIso = (content: Buffer): boolean =>
  content.toString('latin1', FIRST_DESCRIPTOR + 1, FIRST_DESCRIPTOR + 6) === 'CD001'
