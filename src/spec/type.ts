/**
 * Those of TypeBox's builders of schemas that are used here: JSON Schema with TypeBox's types. TypeBox itself is read by the
 * compiler alone: its 373 modules take every process that starts 0.3 s, most of them for types that are computed from others.
 */
import type { Type as TypeBox } from 'typebox'

export type { Static, TObject, TProperties, TSchema, TSchemaOptions } from 'typebox'

type Used =
  | 'Object'
  | 'Array'
  | 'Record'
  | 'String'
  | 'Number'
  | 'Integer'
  | 'Boolean'
  | 'Null'
  | 'Unknown'
  | 'Literal'
  | 'Enum'
  | 'Union'
  | 'Optional'
  | 'Unsafe'
type Schema = Record<string, unknown>

/** Not a part of the schema, so nothing that goes through its keys sees it: that an object may be without this property. */
const optional = Symbol('optional')

const of = (type: string) => (options?: Schema) => ({ type, ...options })

// imports.test.ts compares what they make with what TypeBox makes.
const builders: Record<Used, unknown> = {
  Object(properties: Record<string, object>, options?: Schema) {
    const required = Object.keys(properties).filter(key => !(optional in properties[key]!))
    return { type: 'object', ...(required.length > 0 && { required }), properties, ...options }
  },
  Array: (items: Schema, options?: Schema) => ({ type: 'array', items, ...options }),
  /** Of keys that are any text without line breaks. */
  Record: (_: Schema, values: Schema, options?: Schema) => ({
    ...{ type: 'object', patternProperties: { '^.*$': values } },
    ...options,
  }),
  String: of('string'),
  Number: of('number'),
  Integer: of('integer'),
  Boolean: of('boolean'),
  Null: of('null'),
  Unknown: (options?: Schema) => ({ ...options }),
  Literal: (value: string | number | boolean, options?: Schema) => ({
    ...{ type: typeof value, const: value },
    ...options,
  }),
  Enum: (values: (string | number)[], options?: Schema) => ({ enum: values, ...options }),
  Union: (anyOf: Schema[], options?: Schema) => ({ anyOf, ...options }),
  Optional: (schema: Schema) => Object.defineProperty({ ...schema }, optional, { value: true }),
  /** The schema as it is, whatever type it is given. */
  Unsafe: (schema: Schema) => schema,
}
export const Type = builders as Pick<typeof TypeBox, Used>
