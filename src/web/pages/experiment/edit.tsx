/** Name, tags and notes of an experiment, and how they are changed. */
import { useRef, useState } from 'preact/hooks'
import { ApiError, type Experiment } from '../../../../clients/typescript/src/index.ts'
import { ledger, noteError } from '../../ledger.ts'
import { Failed, FormDialog } from '../../parts/small.tsx'

type Row = { key: string; value: string }

export function EditButton({ id, edited }: { id: string; edited(): void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  // What is changed is what is there when it is opened, and nothing that somebody changes meanwhile.
  const [state, set] = useState<{
    found?: Experiment
    etag?: string
    busy?: boolean
    error?: Error
  }>({})
  const [name, setName] = useState('')
  const [notes, setNotes] = useState('')
  const [rows, setRows] = useState<Row[]>([])
  const open = async () => {
    try {
      const answer = await ledger.http.send(`/v1/experiments/${encodeURIComponent(id)}`)
      const found = (await answer.json()) as Experiment
      set({ found, etag: answer.headers.get('etag') ?? '*' })
      setName(found.name ?? '')
      setNotes(found.notes ?? '')
      setRows(Object.entries(found.tags).map(([key, value]) => ({ key, value })))
    } catch (error) {
      set({ error: noteError(error) })
    }
    dialog.current?.showModal()
  }
  const save = async () => {
    const { found, etag } = state
    if (found === undefined) return
    set({ ...state, busy: true })
    const wanted = new Map(
      rows.map(({ key, value }) => [key.trim(), value] as const).filter(([key]) => key !== ''),
    )
    const tags = {
      ...Object.fromEntries(Object.keys(found.tags).flatMap(key => (wanted.has(key) ? [] : [[key, null]]))),
      ...Object.fromEntries(wanted),
    }
    try {
      await ledger.edit(id, { name: name || null, notes: notes || null, tags }, { ifMatch: etag! })
      dialog.current?.close()
      edited()
    } catch (error) {
      const changed = error instanceof ApiError && error.status === 412
      const told = changed
        ? new Error('Somebody has changed it meanwhile. Close this and open it again.')
        : error
      set({ ...state, busy: false, error: noteError(told) })
    }
  }
  const change = (n: number, part: Partial<Row>) =>
    setRows(rows.map((row, i) => (i === n ? { ...row, ...part } : row)))
  return (
    <>
      <button type="button" onClick={() => void open()}>
        Edit
      </button>
      <FormDialog
        {...{ dialog, label: 'Edit name, tags and notes', action: 'Save' }}
        disabled={state.busy || state.found === undefined}
        send={() => void save()}
      >
        <h2>Name, tags, notes</h2>
        <label class="field">
          <span>Name</span>
          <input
            dir="auto"
            maxLength={200}
            value={name}
            onInput={event => setName(event.currentTarget.value)}
          />
        </label>
        <fieldset class="stack">
          <legend>Tags</legend>
          {rows.map(({ key, value }, n) => (
            <div key={n} class="row tagrow">
              <input
                aria-label={`Key of tag ${n + 1}`}
                maxLength={100}
                pattern="[^:]+"
                title="without a colon"
                value={key}
                onInput={event => change(n, { key: event.currentTarget.value })}
              />
              <input
                aria-label={`Value of tag ${n + 1}`}
                dir="auto"
                maxLength={200}
                value={value}
                onInput={event => change(n, { value: event.currentTarget.value })}
              />
              <button type="button" onClick={() => setRows(rows.filter((_, i) => i !== n))}>
                ×<span class="hidden"> Take tag {n + 1} away</span>
              </button>
            </div>
          ))}
          <div>
            <button
              type="button"
              disabled={rows.length >= 50}
              onClick={() => setRows([...rows, { key: '', value: '' }])}
            >
              Another tag
            </button>
          </div>
        </fieldset>
        <label class="field">
          <span>Notes</span>
          <textarea
            dir="auto"
            rows={6}
            maxLength={10_000}
            value={notes}
            onInput={event => setNotes(event.currentTarget.value)}
          />
        </label>
        <Failed error={state.error} />
      </FormDialog>
    </>
  )
}
