/** Specs from files, stdin and flags. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { parsePath, setAt } from '../spec/json-path.ts'
import { UsageError } from './exit.ts'
import { fileFault } from './file-faults.ts'

/** The JSON or YAML in a file, or on stdin where it is called `-`. */
export async function readDocument(file: string): Promise<unknown> {
  let words: string
  try {
    words = file === '-' ? await text(process.stdin) : await readFile(file, 'utf8')
  } catch (error) {
    throw unreadable(file, error as Error)
  }
  if (words.trim() === '') throw new UsageError(`${file === '-' ? 'stdin' : file} is empty`)
  try {
    // JSON is YAML; but what begins like JSON is told about as JSON, and needs no other parser.
    return /^\s*[{[]/.test(words) ? JSON.parse(words) : (await import('yaml')).parse(words)
  } catch (error) {
    throw new UsageError(
      `${file === '-' ? 'stdin' : file} is neither JSON nor YAML: ${(error as Error).message}`,
    )
  }
}

/** What is wrong with a file that cannot be read. */
export function unreadable(file: string, error: Pick<NodeJS.ErrnoException, 'code' | 'message'>): UsageError {
  const fault = fileFault(error.code)
  return new UsageError(`cannot read ${file}: ${fault ? `it ${fault.words}` : error.message}`)
}

/** `path=value` settings applied to a document: the value is JSON where it can be read as such, else text. */
export function applySettings(document: unknown, settings: string[]): unknown {
  for (const setting of settings) {
    const [field, value] = split(setting, '=')
    const path = parsePath(field)
    if (path === undefined || path.length === 0)
      throw new UsageError(`--set ${setting}: ${field} is not a path such as optimizer.learningRate`)
    const changed = setAt(document, path, jsonOrText(value))
    if (changed === undefined)
      throw new UsageError(`--set ${setting}: the path leads through a value that is not an object`)
    document = changed
  }
  return document
}

/** The two sides of the first separator. */
export function split(pair: string, separator: string): [string, string] {
  const at = pair.indexOf(separator)
  if (at < 1) throw new UsageError(`${JSON.stringify(pair)} is not of the form name${separator}value`)
  return [pair.slice(0, at), pair.slice(at + separator.length)]
}

function jsonOrText(words: string): unknown {
  try {
    return JSON.parse(words)
  } catch {
    return words
  }
}
