/** JSON as it is posted. */
import { parse } from 'secure-json-parse'
import { malformedJson } from './malformed.ts'

/** The value of a JSON text; undefined for an empty one. Throws 400, also for keys that pollute prototypes. */
export function parseJson(text: string): unknown {
  if (text === '') return undefined
  try {
    return parse(text, undefined, { protoAction: 'error', constructorAction: 'error' })
  } catch (error) {
    throw malformedJson(text, error)
  }
}
