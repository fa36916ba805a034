/** Regular expressions of the schemas, and what they mean in words: nobody should have to read one in an error. */

const words = new Map<string, string>()

/** A pattern for a schema, with what it asks for as the object of "must be". */
export function worded(pattern: string, meaning: string): string {
  words.set(pattern, meaning)
  return pattern
}

/** What a pattern of a schema asks for. Throws where nobody has said. */
export function wordsOf(pattern: string): string {
  const meaning = words.get(pattern)
  if (meaning === undefined) throw new Error(`the pattern ${pattern} has no words`)
  return meaning
}

export const printable = (most: number) =>
  worded(`^[\\x21-\\x7e]{1,${most}}$`, `1 to ${most} characters of ASCII, none of them a space`)
