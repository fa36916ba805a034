/** Bodies that are no JSON, or no text: where, and what stands there. */
import { isUtf8 } from 'node:buffer'
import { type ParseErrorCode, visit } from 'jsonc-parser'
import { ProblemError } from './problem.ts'

/** The text of a body. Throws 400 where it is not UTF-8. */
export function textOf(body: Buffer): string {
  if (isUtf8(body)) return body.toString('utf8')
  const start = body.toString('hex', 0, 2)
  if (start === '1f8b') throw new ProblemError('malformed-request', 'the body is gzipped: send it as it is')
  if (start === 'fffe' || start === 'feff')
    throw new ProblemError('malformed-request', 'the body is UTF-16: send it as UTF-8')
  const at = firstOutsideUtf8(body)
  const before = body.toString('utf8', 0, at)
  throw new ProblemError(
    'malformed-request',
    `the body is not UTF-8: byte 0x${body[at].toString(16)} at ${placeOf(before, before.length)} (in Latin-1 ${String.fromCharCode(body[at])}); send it as UTF-8`,
  )
}

/** The index of the first byte that no character of UTF-8 begins with or goes on with, or of one that is cut short. */
function firstOutsideUtf8(body: Buffer): number {
  /** The length of the longest beginning of the first `count` bytes that is UTF-8, if that is all but part of a character. */
  const whole = (count: number) =>
    [0, 1, 2, 3].map(cut => count - cut).find(length => length >= 0 && isUtf8(body.subarray(0, length)))
  let right = 0
  let wrong = body.length + 1
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1
    if (whole(middle) === undefined) wrong = middle
    else right = middle
  }
  return whole(right)!
}

/** What JSON wants where jsonc-parser finds an error, by its code. */
const wanted: Partial<Record<ParseErrorCode, string>> = {
  1: 'a value, or a key in double quotes,',
  2: 'a number as JSON writes it',
  3: 'a key in double quotes',
  4: 'a value',
  5: 'a colon after the key',
  6: 'a comma or the end of the object or list',
  7: 'a comma or } after the value',
  8: 'a comma or ] after the value',
  9: 'the end of the body',
  10: 'no comment, which JSON does not have,',
  11: 'no comment, which JSON does not have,',
  12: 'the quotes that end this string',
  13: 'a number as JSON writes it',
  14: 'four hexadecimal digits after \\u',
  15: 'one of the escapes of JSON',
  16: 'no control character, which a string must escape,',
}

/** The problem with a text that JSON.parse, or what it must not hold, refused with this error. */
export function malformedJson(text: string, error: unknown): ProblemError {
  const problem = (detail: string) => new ProblemError('malformed-json', detail)
  if (/forbidden prototype/.test(String(error)))
    return problem('the body has a key that is not allowed: __proto__, or prototype in constructor')
  const found = firstError(text)
  if (found === undefined) return problem('the body is not valid JSON')
  const { code, at } = found
  const there = text
    .slice(at, at + 20)
    .split('\n', 1)[0]
    .trimEnd()
  const stands =
    at >= text.length ? 'the body ends' : `${JSON.stringify(there || text.slice(at, at + 1))} stands`
  return problem(
    `the body is not valid JSON: expected ${wanted[code] ?? 'something else'} at ${placeOf(text, at)}, where ${stands}`,
  )
}

/** The first error of a text, and its index; undefined where none is found. */
function firstError(text: string): { code: ParseErrorCode; at: number } | undefined {
  let found: { code: ParseErrorCode; at: number } | undefined
  const enough = new Error('one is enough')
  try {
    visit(
      text,
      {
        onError: (code, at) => {
          found = { code, at }
          throw enough
        },
      },
      { disallowComments: true },
    )
  } catch (error) {
    // Nested more deeply than the parser goes: that it is wrong is known, if not where.
    if (error !== enough && !(error instanceof RangeError)) throw error
  }
  return found
}

/** Line and column, both from 1, of an index. */
function placeOf(text: string, at: number): string {
  const before = text.slice(0, at)
  const lines = before.split('\n')
  return `line ${lines.length}, column ${lines[lines.length - 1].length + 1}`
}
