/** A form made from a JSON Schema: a field for each property, what is wrong beside it. What is empty is absent. */
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'

export type Schema = {
  type?: string | string[]
  const?: unknown
  enum?: unknown[]
  default?: unknown
  description?: string
  title?: string
  minimum?: number
  maximum?: number
  properties?: Record<string, Schema>
  required?: string[]
  oneOf?: Schema[]
  anyOf?: Schema[]
  items?: Schema
}
export type FieldErrors = { path: string; message: string }[]

type Context = {
  errors: FieldErrors
  /** What the service makes of what is left out. */
  resolved: unknown
  /** Paths that are always shown; the others are folded away. */
  first: ReadonlySet<string>
  /** Those that are shown where the spec has them. */
  said?: ReadonlySet<string>
  /** What may be chosen for a text, by path. */
  choices: Record<string, string[]>
  set(path: string[], value: unknown): void
}

const written = (path: string[]) => `$${path.map(step => `.${step}`).join('')}`
const at = (value: unknown, path: string[]): unknown =>
  path.reduce<unknown>(
    (inner, step) => (Object.hasOwn(Object(inner), step) ? Object(inner)[step] : undefined),
    value,
  )

/** The errors at a field, or anywhere in it. */
const errorsAt = (errors: FieldErrors, path: string[]) => {
  const own = written(path)
  return errors.filter(
    error => error.path === own || error.path.startsWith(`${own}.`) || error.path.startsWith(`${own}[`),
  )
}

export function Fields({
  schema,
  value,
  path,
  context,
}: {
  schema: Schema
  value: unknown
  path: string[]
  context: Context
}) {
  const chosen = variantOf(schema, value, path, context)
  const properties = Object.entries(chosen.properties ?? {}).filter(([, inner]) => inner.const === undefined)
  const names = schema.oneOf?.map(({ properties }) => String(properties?.name?.const ?? ''))
  const isFirst = (name: string) => {
    const own = [...path, name].join('.')
    const isSaid = context.said?.has(own) && at(value, [name]) !== undefined
    return context.first.has(own) || isSaid || errorsAt(context.errors, [...path, name]).length > 0
  }
  const field = ([name, inner]: [string, Schema]) => (
    <Field
      key={name}
      schema={inner}
      value={at(value, [name])}
      path={[...path, name]}
      required={chosen.required?.includes(name) ?? false}
      context={context}
    />
  )
  const shown = properties.filter(([name]) => isFirst(name))
  const folded = properties.filter(([name]) => !isFirst(name))
  return (
    <div class="stack" style={{ gap: '8px' }}>
      <div class="fields">
        {names && (
          <Labelled path={[...path, 'name']} context={context} title={chosen.description}>
            {described => (
              <select
                {...described}
                value={String(at(value, ['name']) ?? at(context.resolved, [...path, 'name']) ?? '')}
                onChange={({ currentTarget: { value: name } }) =>
                  context.set(path, name === '' ? undefined : { name })
                }
              >
                {at(value, ['name']) === undefined &&
                  at(context.resolved, [...path, 'name']) === undefined && <option value="" />}
                {names.map(name => (
                  <option key={name}>{name}</option>
                ))}
              </select>
            )}
          </Labelled>
        )}
        {shown.map(field)}
      </div>
      {folded.length > 0 && (
        <details>
          <summary>{folded.map(([name]) => name).join(', ')}</summary>
          <div class="fields" style={{ marginTop: '8px' }}>
            {folded.map(field)}
          </div>
        </details>
      )}
    </div>
  )
}

/** Of several that an object may be, the one whose name it has. */
function variantOf(schema: Schema, value: unknown, path: string[], { resolved }: Context): Schema {
  if (!schema.oneOf) return schema
  const name = at(value, ['name']) ?? at(resolved, [...path, 'name'])
  return schema.oneOf.find(({ properties }) => properties?.name?.const === name) ?? schema.oneOf[0]
}

function Labelled(props: {
  path: string[]
  title?: string | undefined
  required?: boolean
  context: Context
  children(described: object): ComponentChildren
}) {
  const { path, title, required, context } = props
  const errors = errorsAt(context.errors, path)
  const id = `field-${path.join('-')}`
  return (
    <label class="field" htmlFor={id} title={title}>
      <span>
        {path[path.length - 1]}
        {required && <span class="muted"> (needed)</span>}
      </span>
      {props.children({
        id,
        'aria-invalid': errors.length > 0 ? 'true' : undefined,
        'aria-describedby': errors.length > 0 ? `${id}-error` : undefined,
      })}
      {errors.length > 0 && (
        <span class="error" id={`${id}-error`}>
          {errors
            .slice(0, 3)
            .map(({ path: where, message }) => (where === written(path) ? message : `${where} ${message}`))
            .join('; ')}
        </span>
      )}
    </label>
  )
}

function Field(props: {
  schema: Schema
  value: unknown
  path: string[]
  required: boolean
  context: Context
}) {
  const { schema, value, path, required, context } = props
  const isObject =
    (schema.oneOf?.every(({ properties }) => properties?.name?.const !== undefined) ?? false) ||
    schema.properties
  if (isObject)
    return (
      <fieldset style={{ gridColumn: '1 / -1' }}>
        <legend>{path[path.length - 1]}</legend>
        <Fields schema={schema} value={value} path={path} context={context} />
      </fieldset>
    )
  const usual = at(context.resolved, path) ?? schema.default
  const options = schema.enum?.map(String)
  const list = context.choices[path.join('.')]
  const set = (next: unknown) => context.set(path, next)
  return (
    <Labelled path={path} title={schema.description} required={required} context={context}>
      {described => {
        if (options || schema.type === 'boolean')
          return (
            <select
              {...described}
              value={value === undefined ? '' : String(value)}
              onChange={({ currentTarget: { value } }) =>
                set(value === '' ? undefined : schema.type === 'boolean' ? value === 'true' : value)
              }
            >
              <option value="">{usual === undefined ? '' : `${String(usual)} (default)`}</option>
              {(options ?? ['true', 'false']).map(option => (
                <option key={option}>{option}</option>
              ))}
            </select>
          )
        const isText = schema.type === 'string'
        return (
          <>
            <Typed
              described={described}
              list={list && `${path.join('-')}-list`}
              placeholder={usual === undefined ? '' : isText ? String(usual) : JSON.stringify(usual)}
              text={
                value === undefined ? '' : isText && typeof value === 'string' ? value : JSON.stringify(value)
              }
              set={text => set(text.trim() === '' ? undefined : isText ? text : parsed(text))}
            />
            {list && (
              <datalist id={`${path.join('-')}-list`}>
                {list.map(one => (
                  <option key={one} value={one} />
                ))}
              </datalist>
            )}
          </>
        )
      }}
    </Labelled>
  )
}

/** JSON where it is that, else the text itself, of which the service will say what would be right. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {}
  try {
    return JSON.parse(`[${text}]`)
  } catch {
    return text
  }
}

/** Keeps what is typed as it is typed: 0. on the way to 0.1 is no other number to be shown. */
function Typed(props: {
  described: object
  list: string | undefined
  placeholder: string
  text: string
  set(text: string): void
}) {
  const [typed, setTyped] = useState(props.text)
  const [focused, setFocused] = useState(false)
  useEffect(() => {
    if (!focused) setTyped(props.text)
  }, [props.text, focused])
  return (
    <input
      {...props.described}
      list={props.list}
      autocomplete="off"
      spellcheck={false}
      placeholder={props.placeholder}
      value={typed}
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
      onInput={event => {
        setTyped(event.currentTarget.value)
        props.set(event.currentTarget.value)
      }}
    />
  )
}

/** A copy of a value in which something else is at a path; undefined removes it. */
export function changed(value: unknown, [step, ...rest]: string[], next: unknown): unknown {
  if (step === undefined) return next
  const copy: Record<string, unknown> = { ...Object(value) }
  const inner = rest.length === 0 ? next : changed(copy[step], rest, next)
  if (inner === undefined) delete copy[step]
  else copy[step] = inner
  return copy
}
