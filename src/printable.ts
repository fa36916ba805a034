/**
 * Text from elsewhere on its way to a terminal. What an API calls an experiment, or says of an error, is anybody's to
 * choose: a control character in it could clear the screen, retitle the window or draw lines that nobody has said.
 */

/** Controls, format characters (directions of writing among them), lone halves of characters, ends of lines. */
const unprintable = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
const escapedAll = (characters: string) =>
  Array.from({ length: characters.length }, (_, i) => escaped(characters[i])).join('')

/** A piece of text on one line, with what does not print shown as JSON would write it. */
export const printable = (text: string): string => text.replaceAll(unprintable, escapedAll)

/** The same for text of several lines: their ends, and nothing else that does not print, stay as they are. */
export const printableLines = (text: string): string =>
  text.replaceAll(unprintable, found => (found === '\n' ? found : escapedAll(found)))

/** A copy of what an API answered in which every text, the names of properties too, is printable. */
export function printableData<T>(value: T): T {
  if (typeof value === 'string') return printable(value) as T
  if (Array.isArray(value)) return value.map(printableData) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, one]) => [printable(name), printableData(one)]),
  ) as T
}

/** JSON that has nothing in it but what prints: it reads back the same. */
export const printableJson = (value: unknown): string => printableLines(JSON.stringify(value, null, 2))
