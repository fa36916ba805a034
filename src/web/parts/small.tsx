/** Small things that several pages show. */
import type { ComponentChildren, RefObject } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import {
  type Experiment,
  type ExperimentListItem,
  isFinished,
} from '../../../clients/typescript/src/index.ts'
import { linkTo } from '../address.ts'
import { counted, duration, whole } from '../format.ts'
import { noteError } from '../ledger.ts'

export const Status = ({ status }: { status: string }) => <span class={`status ${status}`}>{status}</span>

/** A title that can be given the focus, so that a screen reader hears of a new page. */
export const Title = ({ children }: { children: ComponentChildren }) => (
  <h1 tabIndex={-1} dir="auto">
    {children}
  </h1>
)

export const nameOf = ({ name, id }: Pick<ExperimentListItem, 'name' | 'id'>) => name || id.slice(0, 13)

export const Tags = ({ tags }: { tags: Record<string, string> }) => (
  <>
    {Object.entries(tags).map(([key, value]) => (
      <a
        key={key}
        class="tag"
        dir="auto"
        title={`${key}: ${value}`.slice(0, 500)}
        href={linkTo(['experiments'], {
          tag: `${key}:${value}`.length <= 301 ? `${key}:${value}` : undefined,
        })}
      >
        {`${key}: ${value}`.slice(0, 200)}
      </a>
    ))}
  </>
)

export const Failed = ({ error }: { error: Error | undefined }) =>
  error ? (
    <p class="notice bad" role="alert">
      {error.message}
    </p>
  ) : null

/** Instead of the figures and tables of a ledger that has nothing in it. */
export const NothingAllocated = ({ status }: Pick<Experiment, 'status'>) => (
  <p class="notice">
    {isFinished(status) ? `Nothing was allocated: it has ${status}.` : 'Nothing is allocated yet.'}
  </p>
)

/** What is made once the page has nothing else to do: what is above it is then seen first. */
export function Later({ children }: { children: ComponentChildren }) {
  const [now, set] = useState(false)
  useEffect(() => {
    // Not every browser says when it is idle.
    if (!('requestIdleCallback' in window)) {
      const timer = setTimeout(() => set(true), 50)
      return () => clearTimeout(timer)
    }
    const handle = requestIdleCallback(() => set(true), { timeout: 500 })
    return () => cancelIdleCallback(handle)
  }, [])
  return now ? children : null
}

/** What is made in the frame after that in which it could be, so that what is above it is seen sooner. */
export function Next({ children }: { children: ComponentChildren }) {
  const [now, set] = useState(false)
  useEffect(() => set(true), [])
  return now ? children : null
}

/** A dialog that is a form: what is asked, a button that sends it, others that the form has, and one that closes it. */
export function FormDialog(props: {
  dialog: RefObject<HTMLDialogElement | null>
  label: string
  /** What the button that sends it says. */
  action: string
  disabled?: boolean
  /** Where the form says itself what is wrong in it. */
  noValidate?: boolean
  send(): void
  more?: ComponentChildren
  children: ComponentChildren
}) {
  const { dialog, label, action, disabled, noValidate, send, more, children } = props
  return (
    <dialog ref={dialog} aria-label={label}>
      <form
        class="stack"
        noValidate={noValidate}
        onSubmit={event => {
          event.preventDefault()
          send()
        }}
      >
        {children}
        <div class="row">
          <button type="submit" class="primary" disabled={disabled}>
            {action}
          </button>
          {more}
          <button type="button" onClick={() => dialog.current?.close()}>
            Close
          </button>
        </div>
      </form>
    </dialog>
  )
}

/** How far it is, with the time that is left. */
export function Progress({ progress: { phase, done, total, etaSeconds } }: Pick<Experiment, 'progress'>) {
  const share = total === 0 ? 0 : done / total
  const eta = etaSeconds === null ? '' : `, about ${duration(etaSeconds)} left`
  return (
    <span>
      <progress value={share} max={1} aria-label={`${phase}: ${Math.floor(100 * share)} %`} />
      <span class="muted">
        {phase} {whole(done)} of {whole(total)}
        {eta}
      </span>
    </span>
  )
}

export function placeInWords({ position, ahead }: NonNullable<Experiment['queue']>): string {
  const { experiments, segments, seconds } = ahead
  if (experiments === 0) return `place ${whole(position)} in line, nothing before it`
  const time = seconds === null ? '' : `, about ${duration(seconds)}`
  return `place ${whole(position)} in line, after ${counted(experiments, 'experiment')} with ${counted(segments, 'segment')}${time}`
}

/** Pages over plain HTTP have no clipboard but what is selected. */
async function copy(text: string): Promise<void> {
  if (navigator.clipboard) return navigator.clipboard.writeText(text)
  const area = document.createElement('textarea')
  area.value = text
  document.body.append(area)
  area.select()
  document.execCommand('copy')
  area.remove()
}

/** Copies a text; says so. */
export function CopyButton({ text, children }: { text: () => string; children: ComponentChildren }) {
  const [copied, set] = useState(false)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(timer.current), [])
  return (
    <button
      type="button"
      onClick={async () => {
        await copy(text())
        set(true)
        clearTimeout(timer.current)
        timer.current = setTimeout(() => set(false), 2000)
      }}
    >
      {copied ? 'Copied' : children}
      <span class="hidden" role="status">
        {copied ? 'Copied' : ''}
      </span>
    </button>
  )
}

/** A button that does something to what is there, once it has been asked whether that is meant. */
export function ActionButton(props: {
  children: ComponentChildren
  /** What is asked before it is done; nothing is asked where it is absent. */
  ask?: string
  danger?: boolean
  disabled?: boolean
  act(): Promise<unknown>
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [state, set] = useState<{ busy: boolean; error?: Error }>({ busy: false })
  const act = async () => {
    set({ busy: true })
    try {
      await props.act()
      set({ busy: false })
      dialog.current?.close()
    } catch (error) {
      set({ busy: false, error: noteError(error) })
      if (!dialog.current?.open) dialog.current?.showModal()
    }
  }
  return (
    <>
      <button
        type="button"
        class={props.danger ? 'danger' : ''}
        disabled={props.disabled || state.busy}
        onClick={() => {
          set({ busy: false })
          if (props.ask) dialog.current?.showModal()
          else void act()
        }}
      >
        {props.children}
      </button>
      <dialog ref={dialog} aria-label="Are you sure?">
        <div class="stack">
          {props.ask && <p>{props.ask}</p>}
          <Failed error={state.error} />
          <div class="row">
            {props.ask && (
              <button
                type="button"
                class={props.danger ? 'danger' : 'primary'}
                disabled={state.busy}
                onClick={act}
              >
                {props.children}
              </button>
            )}
            <button type="button" onClick={() => dialog.current?.close()}>
              {props.ask ? 'Leave it' : 'Close'}
            </button>
          </div>
        </div>
      </dialog>
    </>
  )
}
