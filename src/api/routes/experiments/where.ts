/**
 * `where` of the list: an expression is parsed into a tree, and the tree written as SQL in which every value is a
 * parameter. Nothing of the text gets into the SQL.
 *
 *     expression := conjunction { "or" conjunction }
 *     conjunction := factor { "and" factor }
 *     factor := "not" factor | "(" expression ")" | comparison
 *     comparison := field ("=" | "!=" | "<" | "<=" | ">" | ">=" | "~" | "!~") value
 *     field := name { "." name }            name: letters, digits, _ and -, or anything in double quotes
 *     value := number | "text" | word | true | false | null
 */
import { parsePath } from '../../../spec/field-names.ts'
import { type Bind, fieldOf, kindOf, UnknownField } from './fields.ts'

export const operators = ['=', '!=', '<', '<=', '>', '>=', '~', '!~'] as const
type Operator = (typeof operators)[number]
type Value = string | number | boolean | null
export type Where =
  | { kind: 'and' | 'or'; parts: Where[] }
  | { kind: 'not'; part: Where }
  | { kind: 'compare'; field: string[]; operator: Operator; value: Value; at: number }

/** What is wrong with an expression, and at which character, from 0. */
export class WhereError extends Error {
  readonly at: number
  constructor(message: string, at: number) {
    super(`${message}, at character ${at + 1}`)
    this.at = at
  }
}

const mostComparisons = 50
const mostDepth = 20

type Token = { kind: 'word' | 'text' | 'operator' | 'bracket' | 'end'; text: string; at: number }

// A path is one token; a text keeps its escapes until it is read.
const tokenPattern =
  /\s*(?:(?<operator>!=|<=|>=|!~|[=<>~])|(?<bracket>[()])|(?<word>(?:"(?:[^"\\]|\\.)*"|[^\s"()=<>~!]+)+)|(?<bad>\S))/uy

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  tokenPattern.lastIndex = 0
  for (;;) {
    const match = tokenPattern.exec(text)
    if (match === null) break
    const groups = match.groups as Record<string, string | undefined>
    const at = match.index + match[0].search(/\S/)
    if (groups.bad !== undefined)
      throw new WhereError(
        groups.bad === '"' ? 'a quote that does not end' : `${groups.bad} is not understood`,
        at,
      )
    const kind =
      groups.operator !== undefined ? 'operator' : groups.bracket !== undefined ? 'bracket' : 'word'
    tokens.push({ kind, text: (groups.operator ?? groups.bracket ?? groups.word)!, at })
  }
  return [...tokens, { kind: 'end', text: 'the end', at: text.length }]
}

/** Parses an expression. Throws WhereError. */
export function parseWhere(text: string): Where {
  const tokens = tokensOf(text)
  let next = 0
  let comparisons = 0
  const is = (word: string) => tokens[next].kind === 'word' && tokens[next].text.toLowerCase() === word
  const wanted = (what: string): never => {
    throw new WhereError(`${what} is wanted, not ${tokens[next].text.slice(0, 40)}`, tokens[next].at)
  }
  const several =
    (kind: 'and' | 'or', one: (depth: number) => Where) =>
    (depth: number): Where => {
      const parts = [one(depth)]
      while (is(kind)) {
        next++
        parts.push(one(depth))
      }
      return parts.length === 1 ? parts[0] : { kind, parts }
    }
  const factor = (depth: number): Where => {
    if (depth > mostDepth)
      throw new WhereError(`more than ${mostDepth} brackets in each other`, tokens[next].at)
    if (is('not')) {
      next++
      return { kind: 'not', part: factor(depth + 1) }
    }
    if (tokens[next].text === '(' && tokens[next].kind === 'bracket') {
      next++
      const inner = expression(depth + 1)
      if (tokens[next].text !== ')') wanted('and, or or )')
      next++
      return inner
    }
    return comparison()
  }
  const comparison = (): Where => {
    const { kind, text, at } = tokens[next]
    if (kind !== 'word') wanted('a field, not or (')
    const field = parsePath(text)
    if (field === undefined) throw new WhereError(`${text.slice(0, 40)} is not the name of a field`, at)
    try {
      kindOf(field)
    } catch (error) {
      if (error instanceof UnknownField) throw new WhereError(error.message, at)
      throw error
    }
    next++
    const operator = tokens[next].text as Operator
    if (tokens[next].kind !== 'operator') wanted(`one of ${operators.join(' ')}`)
    next++
    if (tokens[next].kind !== 'word') wanted('a value')
    const value = literalOf(tokens[next])
    if (++comparisons > mostComparisons) throw new WhereError(`more than ${mostComparisons} comparisons`, at)
    next++
    checkComparison(field, operator, value, at)
    return { kind: 'compare', field, operator, value, at }
  }
  const expression: (depth: number) => Where = several('or', several('and', factor))
  const whole = expression(0)
  if (tokens[next].kind !== 'end') wanted('and, or or the end')
  return whole
}

function literalOf({ text, at }: Token): Value {
  if (text.startsWith('"')) {
    if (!/^"(?:[^"\\]|\\["\\])*"$/.test(text))
      throw new WhereError('a text ends with its quote, and within it \\ stands before " and \\ alone', at)
    return plain(text.slice(1, -1).replaceAll(/\\(.)/g, '$1'), at)
  }
  if (text.includes('"')) throw new WhereError('a quote within a word', at)
  if (text === 'null') return null
  if (text === 'true' || text === 'false') return text === 'true'
  if (/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) {
    const value = Number(text)
    if (Number.isFinite(value)) return value
    throw new WhereError(`${text.slice(0, 40)} is too large`, at)
  }
  return plain(text, at)
}

/** Postgres has no NUL. */
function plain(text: string, at: number): string {
  if (text.includes('\0')) throw new WhereError('a text without the character NUL is wanted', at)
  return text
}

/** ISO 8601, a date or a time; without a zone it is UTC. Seconds since 1970, or undefined. */
function secondsOf(value: Value): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(
    String(value),
  )
  if (!match) return undefined
  const milliseconds = Date.parse(`${match[1]}T${match[2] ?? '00:00'}${match[3] ?? 'Z'}`)
  return Number.isNaN(milliseconds) ? undefined : milliseconds / 1000
}

/** Throws where a field can never compare so with such a value. */
function checkComparison(path: string[], operator: Operator, value: Value, at: number): void {
  const kind = kindOf(path)
  const name = path.join('.')
  const ordered = operator !== '=' && operator !== '!='
  if (value === null || typeof value === 'boolean') {
    if (ordered) throw new WhereError(`${value} is equal or not, nothing else`, at)
  } else if (operator === '~' || operator === '!~') {
    if (kind === 'number' || kind === 'time') throw new WhereError(`${name} is not a text`, at)
  } else if (kind === 'number' && typeof value !== 'number') throw new WhereError(`${name} is a number`, at)
  else if (kind === 'time' && secondsOf(value) === undefined)
    throw new WhereError(`${name} is a time, such as 2026-11-28 or 2026-11-28T17:30:00Z`, at)
}

/** The tree as SQL over experiments e. */
export function whereSql(where: Where, bind: Bind): string {
  if (where.kind === 'not') return `((${whereSql(where.part, bind)}) IS NOT TRUE)`
  if (where.kind !== 'compare')
    return `(${where.parts.map(part => whereSql(part, bind)).join(where.kind === 'and' ? ' AND ' : ' OR ')})`
  const { operator, value, field: path } = where
  // By the index on tags.
  if (path[0] === 'tags' && path.length === 2 && operator === '=' && value !== null)
    return `e.tags @> jsonb_build_object(${bind(path[1])}::text, ${bind(String(value))}::text)`
  const field = fieldOf(path, bind)
  if (value === null) return `(${field.text}) IS ${operator === '=' ? '' : 'NOT '}NULL`
  if (operator === '~') return `position(lower(${bind(String(value))}::text) in lower(${field.text})) > 0`
  if (operator === '!~')
    return `coalesce(position(lower(${bind(String(value))}::text) in lower(${field.text})), 0) = 0`
  const isNumber = typeof value === 'number' && field.kind !== 'text'
  const [left, right] =
    field.kind === 'time'
      ? [field.key, `to_timestamp(${bind(secondsOf(value))}::float8)`]
      : isNumber
        ? [field.number, `${bind(value)}::float8`]
        : [field.text, `${bind(String(value))}::text`]
  // What has no such field is different from whatever is named.
  return operator === '!=' ? `(${left}) IS DISTINCT FROM ${right}` : `(${left}) ${operator} ${right}`
}
