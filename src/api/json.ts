/** JSON as it is posted. */
import { parse } from 'secure-json-parse'
import { ProblemError } from './problem.ts'

/** The value of a JSON text; undefined for an empty one. Throws 400, also for keys that pollute prototypes. */
export function parseJson(text: string): unknown {
  if (text === '') return undefined
  try {
    return parse(text, undefined, { protoAction: 'error', constructorAction: 'error' })
  } catch {
    throw new ProblemError('malformed-json', 'the body is not valid JSON')
  }
}
