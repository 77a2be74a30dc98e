import type { FakeAnswer, FakeRequest } from './tracker-server.js'

/** What OpenPR refuses with: a number in the body of an answer whose HTTP status is 200. */
export class Refusal extends Error {
  constructor(
    readonly code: number,
    readonly english: string,
    readonly chinese = english,
  ) {
    super(english)
  }
}

export const refusalFor = (status: number): Refusal =>
  new Refusal(status, `refused with ${status}`, `拒绝 ${status}`)

/** Every answer has HTTP status 200; the text of an error follows Accept-Language, Chinese without one. */
export function envelope(request: FakeRequest, answer: unknown): FakeAnswer {
  if (!(answer instanceof Error)) return { status: 200, json: answer }
  const english = request.headers['accept-language']?.startsWith('en') ?? false
  const { code, english: en, chinese } = answer instanceof Refusal ? answer : refusalFor(500)
  return { status: 200, json: { code, message: english ? en : chinese } }
}

/** A page of a list. */
export const page = <T>(items: readonly T[], query = new URLSearchParams()) => {
  const number = Math.max(1, Number(query.get('page') ?? 1))
  const size = Math.min(100, Number(query.get('per_page') ?? Math.max(1, items.length)))
  return {
    items: items.slice((number - 1) * size, number * size),
    total: items.length,
    page: number,
    per_page: size,
    total_pages: Math.ceil(items.length / size),
  }
}
