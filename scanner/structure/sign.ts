/** Something about the structure of a content that speaks against it. */
export interface Sign {
  /** Name, stable. */
  readonly rule: string
  /** 0 to 100: what it adds to the sum. */
  readonly score: number
  /** What was seen, for a person. */
  readonly detail: string
}
