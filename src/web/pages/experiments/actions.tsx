/** What can be done with the experiments that are selected, all at once. */
import { useRef, useState } from 'preact/hooks'
import { type BulkOutcome, isFinished } from '../../../../clients/typescript/src/index.ts'
import { linkTo } from '../../address.ts'
import { counted, whole } from '../../format.ts'
import { ledger, noteError } from '../../ledger.ts'
import { mostOverlaid } from '../../overlaid.ts'
import { ActionButton, Failed, FormDialog, nameOf } from '../../parts/small.tsx'
import type { Item } from './columns.tsx'

/** So many the API compares. */
const mostCompared = 20

export function Actions({ picked, done }: { picked: Item[]; done(): void }) {
  const [refused, setRefused] = useState<BulkOutcome[]>([])
  const ids = picked.map(({ id }) => id)
  const act = (action: 'cancel' | 'retry' | 'delete', which: (item: Item) => boolean) => async () => {
    const outcomes = await ledger.bulk(
      action,
      picked.filter(which).map(({ id }) => id),
    )
    setRefused(outcomes.filter(({ outcome }) => outcome === 'refused' || outcome === 'failed'))
    done()
  }
  const names = new Map(picked.map(item => [item.id, nameOf(item)]))
  const link = (words: string, path: string, most: number) =>
    ids.length >= 2 && ids.length <= most ? (
      <a class="button" href={linkTo([path], { id: ids })}>
        {words}
      </a>
    ) : (
      <button type="button" disabled title={`Of 2 to ${most}`}>
        {words}
      </button>
    )
  return (
    <>
      {picked.length > 0 && (
        <>
          {link('Compare', 'compare', mostCompared)}
          {link('Overlay curves', 'overlay', mostOverlaid)}
          <TagButton ids={ids} done={done} />
          <ActionButton
            ask={`Cancel those of the ${whole(picked.length)} selected that still run or wait?`}
            disabled={picked.every(({ status }) => isFinished(status))}
            act={act('cancel', ({ status }) => !isFinished(status))}
          >
            Cancel
          </ActionButton>
          <ActionButton disabled={!picked.some(again)} act={act('retry', again)}>
            Retry
          </ActionButton>
          <ActionButton
            danger
            ask={`Delete ${counted(picked.length, 'experiment')}, with ${picked.length === 1 ? 'its ledger' : 'their ledgers'} and tensors? There is no way back.`}
            act={act('delete', () => true)}
          >
            Delete
          </ActionButton>
        </>
      )}
      {refused.length > 0 && (
        <div class="notice bad" role="alert">
          {refused
            .slice(0, 5)
            .map(({ id, detail }) => `${(names.get(id) ?? id).slice(0, 100)}: ${detail}`)
            .join('\n')}
          {refused.length > 5 && `\nand ${whole(refused.length - 5)} more`}
        </div>
      )}
    </>
  )
}

const again = ({ status }: Item) => status === 'failed' || status === 'cancelled'

/** Sets a tag of all that are selected, or takes it away. */
function TagButton({ ids, done }: { ids: string[]; done(): void }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [key, setKey] = useState('')
  const [value, setValue] = useState('')
  const [state, set] = useState<{ busy?: boolean; error?: Error }>({})
  const send = async (to: string | null) => {
    set({ busy: true })
    try {
      const refused = (await ledger.bulk('tag', ids, { [key.trim()]: to })).filter(
        ({ outcome }) => outcome === 'refused' || outcome === 'failed',
      )
      if (refused.length > 0)
        throw new Error(
          `${whole(refused.length)} ${refused.length === 1 ? 'was' : 'were'} refused: ${refused[0].detail}`,
        )
      set({})
      dialog.current?.close()
      done()
    } catch (error) {
      set({ error: noteError(error) })
    }
  }
  return (
    <>
      <button type="button" onClick={() => dialog.current?.showModal()}>
        Tag
      </button>
      <FormDialog
        {...{ dialog, label: 'Tag', action: 'Set it' }}
        disabled={state.busy}
        send={() => void send(value)}
        more={
          <button type="button" disabled={state.busy || key.trim() === ''} onClick={() => void send(null)}>
            Take it away
          </button>
        }
      >
        <h2>Tag {counted(ids.length, 'experiment')}</h2>
        <label class="field">
          <span>Key</span>
          <input
            required
            maxLength={100}
            pattern="[^:]+"
            title="without a colon"
            value={key}
            onInput={event => setKey(event.currentTarget.value)}
          />
        </label>
        <label class="field">
          <span>Value</span>
          <input maxLength={200} value={value} onInput={event => setValue(event.currentTarget.value)} />
        </label>
        <Failed error={state.error} />
      </FormDialog>
    </>
  )
}
