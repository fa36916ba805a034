/** The two shapes of the spec that TypeBox has no schema for that Ajv and OpenAPI both understand. */
import { type Static, type TObject, type TSchema, type TSchemaOptions, Type } from './type.ts'

/** For an object that takes no other keys than its own. */
export const closed = { additionalProperties: false }

/**
 * One of several objects told apart by their `name`, or by another field. TypeBox writes a union as anyOf; OpenAPI's discriminator, and
 * Ajv's, which picks the one variant to report errors against, want oneOf beside it. Ajv looks at the discriminator of
 * objects only, hence the type.
 */
export const Named = <Variants extends Record<string, TObject>>(
  variants: Variants,
  options: TSchemaOptions = {},
  propertyName = 'name',
) =>
  Type.Unsafe<Static<Variants[keyof Variants]>>({
    ...options,
    type: 'object',
    oneOf: Object.values(variants),
    discriminator: { propertyName },
  })

/**
 * One of some strings or numbers. With its type, which TypeBox's own enum lacks: Ajv compares every pair of an array's items
 * where it does not know that they are no objects.
 */
export const OneOf = <const Value extends string | number>(
  values: readonly Value[],
  options: TSchemaOptions = {},
) =>
  Type.Unsafe<Value>({
    type: typeof values[0] === 'string' ? 'string' : 'integer',
    enum: [...values],
    ...options,
  })

/** A map from any key of 1 to `longest` characters. Type.Record would drop the bounds and let keys with line breaks by. */
export const Dictionary = <Value extends TSchema>(
  longest: number,
  value: Value,
  options: TSchemaOptions = {},
) =>
  Type.Unsafe<Record<string, Static<Value>>>({
    ...options,
    type: 'object',
    propertyNames: { type: 'string', minLength: 1, maxLength: longest },
    additionalProperties: value,
  })
