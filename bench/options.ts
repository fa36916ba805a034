/** What may be said to a bench on its command line. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

/** A number, a text or a flag by its default; of a list one, the first if nothing is said; null: a number or none, undefined: a text or none. */
type Default = number | string | boolean | null | undefined | readonly string[]
type Value<D extends Default> = D extends readonly (infer Choice)[]
  ? Choice
  : D extends number
    ? number
    : D extends boolean
      ? boolean
      : D extends string
        ? string
        : D extends null
          ? number | undefined
          : string | undefined

/**
 * The options of this command line. `url`: that of the bench, whose first comment says what they are: `--help` prints it. Where
 * something else is said, says so and ends the process with code 2.
 */
export function optionsOf<const Defaults extends Record<string, Default>>(
  url: string,
  defaults: Defaults,
): { [Name in keyof Defaults]: Value<Defaults[Name]> } {
  const fail = (message: string): never => {
    console.error(`${message}\n\n${usageOf(url)}`)
    process.exit(2)
  }
  const type = (name: string) => (typeof defaults[name] === 'boolean' ? 'boolean' : 'string')
  const options = Object.fromEntries(
    ['help', ...Object.keys(defaults)].map(name => [
      name,
      { type: name === 'help' ? 'boolean' : type(name) },
    ]),
  ) as Record<string, { type: 'boolean' | 'string' }>
  let given: Record<string, string | boolean | undefined> = {}
  try {
    given = parseArgs({ options }).values as typeof given
  } catch (error) {
    fail((error as Error).message)
  }
  if (given.help) {
    console.log(usageOf(url))
    process.exit()
  }
  const settle = (name: string, usual: Default) => {
    const text = given[name]
    if (Array.isArray(usual)) {
      if (text === undefined) return usual[0]
      return usual.includes(text as string) ? text : fail(`--${name} is ${usual.join(' or ')}, not ${text}`)
    }
    if (text === undefined) return usual ?? undefined
    if (typeof usual !== 'number' && usual !== null) return text
    const number = Number(text)
    return String(text).trim() !== '' && number >= 0 && Number.isFinite(number)
      ? number
      : fail(`--${name} is a number, not ${text}`)
  }
  return Object.fromEntries(
    Object.entries(defaults).map(([name, usual]) => [name, settle(name, usual)]),
  ) as ReturnType<typeof optionsOf<Defaults>>
}

/** The names in a list with commas between them; ends the process where there is another than those of `known`. */
export function namesIn(list: string, option: string, known: string[]): string[] {
  const names = list.split(',')
  const other = names.find(name => !known.includes(name))
  if (other === undefined) return names
  console.error(`--${option} is a list of ${known.join(', ')}, with commas between them; not ${other}`)
  process.exit(2)
}

/** The first comment of a bench, without its stars; it is read from the source, which lies beside the build. */
function usageOf(url: string): string {
  const built = fileURLToPath(url)
  const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '../..')
  const source = path.join(root, path.relative(path.join(root, 'dist'), built).replace(/\.js$/, '.ts'))
  const [, comment = ''] = /\/\*\*([\s\S]*?)\*\//.exec(readFileSync(source, 'utf8')) ?? []
  return comment.replace(/^ ?\* ?/gm, '').trim()
}
