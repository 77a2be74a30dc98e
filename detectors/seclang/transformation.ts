/** Turns one byte string into another; must be total (never throws) and linear. */
export type Transformation = (value: string) => string
