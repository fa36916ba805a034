/** How an experiment that has succeeded goes on: longer, in its place; or from one of its iterations, as another. */
import { useRef, useState } from 'preact/hooks'
import { ApiError, type Experiment } from '../../../../clients/typescript/src/index.ts'
import { linkTo } from '../../address.ts'
import { counted } from '../../format.ts'
import { ledger, noteError } from '../../ledger.ts'
import { Failed, FormDialog } from '../../parts/small.tsx'

export function ExtendButton(props: { experiment: Experiment; extended(): Promise<unknown> }) {
  const { id, iterations } = props.experiment
  const dialog = useRef<HTMLDialogElement>(null)
  const [wanted, setWanted] = useState('')
  const [state, set] = useState<{ busy?: boolean; error?: Error }>({})
  const errors = state.error instanceof ApiError ? (state.error.problem.errors ?? []) : []
  const send = async () => {
    set({ busy: true })
    try {
      await ledger.extend(id, Number(wanted))
      set({})
      dialog.current?.close()
      await props.extended()
    } catch (error) {
      set({ error: noteError(error) })
    }
  }
  return (
    <>
      <button
        type="button"
        onClick={() => {
          set({})
          setWanted(String(2 * iterations))
          dialog.current?.showModal()
        }}
      >
        Extend
      </button>
      <FormDialog
        {...{ dialog, label: 'Extend', action: 'Train on', noValidate: true }}
        disabled={state.busy}
        send={() => void send()}
      >
        <h2>Train it longer, in its place</h2>
        <p class="muted">
          It has {counted(iterations, 'iteration')}; what is done of them is not done again. Summary and
          findings come anew in the end.
        </p>
        <NumberField
          {...{ label: 'Iterations in all', value: wanted, set: setWanted }}
          errors={errors.map(({ path, message }) =>
            path === '$.iterations' ? message : `${path} ${message}`,
          )}
        />
        <Failed error={errors.length > 0 ? undefined : state.error} />
      </FormDialog>
    </>
  )
}

/** Asks from where and for how long. What is to be different is said in the form of a new experiment, with every error at its field. */
export function BranchButton({ experiment: { id, iterations } }: { experiment: Experiment }) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [at, setAt] = useState('')
  const [length, setLength] = useState('')
  const tooFar =
    /^\d+$/.test(at) && Number(at) <= iterations
      ? []
      : [`must be an integer from 0 to ${iterations}, its iterations`]
  const tooShort = Number.isInteger(Number(length)) && Number(length) >= 1 ? [] : ['must be an integer ≥ 1']
  return (
    <>
      <button
        type="button"
        onClick={() => {
          setAt(String(iterations))
          setLength(String(iterations))
          dialog.current?.showModal()
        }}
      >
        Branch
      </button>
      <FormDialog
        {...{ dialog, label: 'Branch', action: 'Go on to its spec', noValidate: true }}
        send={() => {
          if (tooFar.length + tooShort.length > 0) return
          location.hash = linkTo(['new'], { from: id, at, for: length })
        }}
      >
        <h2>Another future of it</h2>
        <p class="muted">
          A new experiment goes on from one of its iterations, with its optimizers’ state. What is to be
          different is said in the next step.
        </p>
        <NumberField label="From iteration" value={at} set={setAt} errors={tooFar} />
        <NumberField label="For so many iterations" value={length} set={setLength} errors={tooShort} />
      </FormDialog>
    </>
  )
}

function NumberField(props: { label: string; value: string; set(value: string): void; errors: string[] }) {
  const { label, value, set, errors } = props
  const id = `field-${label.toLowerCase().replaceAll(' ', '-')}`
  return (
    <label class="field" htmlFor={id}>
      <span>{label}</span>
      <input
        id={id}
        inputMode="numeric"
        autocomplete="off"
        value={value}
        aria-invalid={errors.length > 0 ? 'true' : undefined}
        aria-describedby={errors.length > 0 ? `${id}-error` : undefined}
        onInput={event => set(event.currentTarget.value)}
      />
      {errors.length > 0 && (
        <span class="error" id={`${id}-error`} role="alert">
          {errors.join('; ')}
        </span>
      )}
    </label>
  )
}
