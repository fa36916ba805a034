/** What decides which experiments are shown, and how: all of it is in the address. */
import { useEffect, useRef, useState } from 'preact/hooks'
import { ApiError } from '../../../../clients/typescript/src/index.ts'
import { changeQuery } from '../../address.ts'
import { columns, type Item, isColumn, offered, usual } from './columns.tsx'

const statuses = ['queued', 'training', 'allocating', 'succeeded', 'failed', 'cancelled'] as const

/** Which statuses and tags, which columns, and by what they are grouped. */
export function Filters(props: {
  status: string[]
  tag: string[]
  shown: string[]
  group: string
  items: Item[]
}) {
  const { status, tag, shown, group, items } = props
  const without = (list: string[], one: string) => list.filter(other => other !== one)
  return (
    <div class="row" role="group" aria-label="Only these">
      {statuses.map(one => (
        <button
          key={one}
          type="button"
          aria-pressed={status.includes(one)}
          onClick={() =>
            changeQuery({ status: status.includes(one) ? without(status, one) : [...status, one] })
          }
        >
          {one}
        </button>
      ))}
      {tag.map(one => (
        <button
          key={one}
          type="button"
          aria-pressed="true"
          onClick={() => changeQuery({ tag: without(tag, one) })}
        >
          <span dir="auto">{one.slice(0, 80)}</span> ×
        </button>
      ))}
      <ColumnsButton shown={shown} />
      <GroupBy group={group} items={items} />
    </div>
  )
}

export function Search({ query, error }: { query: URLSearchParams; error: Error | undefined }) {
  const asked = query.get('q') ?? ''
  const [words, setWords] = useState(asked)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => setWords(asked), [asked])
  useEffect(() => () => clearTimeout(timer.current), [])
  const isExpression =
    error instanceof ApiError && error.problem.errors?.some(({ path }) => path === 'query.where')
  return (
    <div class="stack" style={{ gap: '4px' }}>
      <input
        type="search"
        aria-label="Search experiments"
        placeholder="Words, or an expression: status = succeeded and spec.optimizer.learningRate <= 0.1"
        spellcheck={false}
        autocomplete="off"
        value={words}
        aria-invalid={isExpression ? 'true' : undefined}
        aria-describedby="search-help"
        onInput={event => {
          const { value } = event.currentTarget
          setWords(value)
          clearTimeout(timer.current)
          timer.current = setTimeout(() => changeQuery({ q: value.trim() }, { replace: true }), 300)
        }}
      />
      <div id="search-help">
        {error && (
          <p class="error" role="alert">
            {isExpression ? error.problem.errors?.map(({ message }) => message).join('; ') : error.message}
          </p>
        )}
      </div>
    </div>
  )
}

function ColumnsButton({ shown }: { shown: string[] }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [field, setField] = useState('')
  const set = (ids: string[]) =>
    changeQuery({ column: ids.join() === usual().join() ? undefined : ids }, { replace: true })
  const others = [...new Set([...offered, ...shown.filter(id => !isColumn(id))])]
  const box = (id: string, title: string) => (
    <label key={id} class="row" style={{ gap: '6px' }}>
      <input
        type="checkbox"
        checked={shown.includes(id)}
        onChange={() => set(shown.includes(id) ? shown.filter(other => other !== id) : [...shown, id])}
      />
      {title}
    </label>
  )
  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>
        Columns
      </button>
      <dialog ref={dialog} aria-label="Columns">
        <div class="stack">
          <h2>Columns</h2>
          <div class="fields">{columns.map(({ id, title }) => box(id, title))}</div>
          <h3>Any field of the spec, the summary or the tags</h3>
          <div class="fields">{others.map(id => box(id, id))}</div>
          <form
            class="row"
            onSubmit={event => {
              event.preventDefault()
              if (field.trim() !== '' && !shown.includes(field.trim())) set([...shown, field.trim()])
              setField('')
            }}
          >
            <input
              aria-label="Another field"
              placeholder="tags.study"
              value={field}
              onInput={event => setField(event.currentTarget.value)}
            />
            <button type="submit">Add</button>
          </form>
          <div class="row">
            <button type="button" class="primary" onClick={() => dialog.current?.close()}>
              Done
            </button>
            <button type="button" onClick={() => set(usual())}>
              As usual
            </button>
          </div>
        </div>
      </dialog>
    </>
  )
}

/** Groups are those of one sorted list: by sweep, or by a tag that some of what is shown have. */
function GroupBy({ group, items }: { group: string; items: Item[] }) {
  const keys = [...new Set(items.slice(0, 400).flatMap(({ tags }) => Object.keys(tags)))].slice(0, 30)
  const quoted = (key: string) => (/^[\p{L}\p{N}_-]+$/u.test(key) ? key : JSON.stringify(key))
  const choices = ['sweep', 'dataset', 'architecture', 'optimizer', ...keys.map(key => `tags.${quoted(key)}`)]
  return (
    <select
      aria-label="Group by"
      value={group}
      style={{ maxWidth: '200px' }}
      onChange={event => changeQuery({ group: event.currentTarget.value, sort: undefined })}
    >
      <option value="">no groups</option>
      {[...new Set([...choices, ...(group ? [group] : [])])].map(choice => (
        <option key={choice} value={choice}>
          by {choice.slice(0, 60)}
        </option>
      ))}
    </select>
  )
}
