/** The pages: asks for a key where one is needed, and shows what the address names. */
import { render } from 'preact'
import { useCallback, useEffect, useState } from 'preact/hooks'
import type { ApiError } from '../../clients/typescript/src/index.ts'
import { type Address, linkTo, parseAddress } from './address.ts'
import { keepKey, readKey, useLedgerOf } from './ledger.ts'
import { ExperimentPage } from './pages/experiment.tsx'
import { ExperimentsPage } from './pages/experiments.tsx'
import { OverlayPage } from './pages/overlay.tsx'
import { later, prefetch } from './parts/later.tsx'
import './style.css'

const ComparePage = later(({ ComparePage }) => ComparePage)
const DatasetsPage = later(({ DatasetsPage }) => DatasetsPage)
const SubmitPage = later(({ SubmitPage }) => SubmitPage)
const SweepPage = later(({ SweepPage }) => SweepPage)
const SweepsPage = later(({ SweepsPage }) => SweepsPage)
const WorkersPage = later(({ WorkersPage }) => WorkersPage)

const places = [
  ['experiments', 'Experiments'],
  ['sweeps', 'Sweeps'],
  ['new', 'New'],
  ['datasets', 'Datasets'],
  ['workers', 'Workers'],
] as const

function App() {
  const [key, setKey] = useState(readKey)
  const [refused, setRefused] = useState<string>()
  useLedgerOf(
    key,
    useCallback((error: ApiError) => setRefused(error.problem.detail ?? error.message), []),
  )
  const take = (given: string | null) => {
    keepKey(given)
    setKey(given)
    setRefused(undefined)
  }
  if (refused !== undefined) return <AskForKey why={refused} had={key !== null} take={take} />
  // With another key nothing of what was seen before stays.
  return <Frame key={key ?? ''} leave={key === null ? undefined : () => take(null)} />
}

function AskForKey(props: { why: string; had: boolean; take(key: string): void }) {
  const [given, setGiven] = useState('')
  useEffect(() => {
    document.title = 'Loss Ledger'
  }, [])
  return (
    <>
      <header class="bar">
        <Brand />
      </header>
      <main>
        <form
          class="stack"
          onSubmit={event => {
            event.preventDefault()
            if (given.trim() !== '') props.take(given.trim())
          }}
        >
          <h1>This service asks for a key</h1>
          <p class={props.had ? 'error' : 'muted'} role={props.had ? 'alert' : undefined}>
            {props.had ? `It says: ${props.why}` : '`ledger keys create` makes one.'}
          </p>
          <label class="field">
            <span>API key</span>
            <input
              type="password"
              autocomplete="off"
              spellcheck={false}
              value={given}
              onInput={event => setGiven(event.currentTarget.value)}
            />
          </label>
          <p class="muted">It stays in this tab, until it is closed, and is sent to this service alone.</p>
          <div>
            <button type="submit" class="primary">
              Go on
            </button>
          </div>
        </form>
      </main>
    </>
  )
}

const Brand = () => (
  <a class="brand" href={linkTo(['experiments'])}>
    <svg viewBox="0 0 20 20" aria-hidden="true">
      <rect x="0" y="2" width="20" height="6" fill="#56b4e9" />
      <rect x="0" y="12" width="11" height="6" fill="#f0883e" />
    </svg>
    Loss Ledger
  </a>
)

function useAddress(): Address {
  const [address, set] = useState(() => parseAddress(location.hash))
  useEffect(() => {
    const listen = () => set(parseAddress(location.hash))
    addEventListener('hashchange', listen)
    return () => removeEventListener('hashchange', listen)
  }, [])
  return address
}

function Frame({ leave }: { leave: (() => void) | undefined }) {
  const address = useAddress()
  const [first = 'experiments', id] = address.path
  useEffect(() => {
    // A page of something puts its name there, once it is known: with another key nothing stays of what was.
    const place = id === undefined ? places.find(([path]) => path === first)?.[1] : undefined
    document.title = place === undefined ? 'Loss Ledger' : `${place} · Loss Ledger`
    scrollTo(0, 0)
    // A screen reader is told that this is another page.
    document.querySelector<HTMLElement>('main h1')?.focus()
  }, [first, id])
  return (
    <>
      <header class="bar">
        <Brand />
        <nav aria-label="Pages">
          {places.map(([path, name]) => (
            <a key={path} href={linkTo([path])} aria-current={first === path ? 'page' : undefined}>
              {name}
            </a>
          ))}
        </nav>
        <ThemeButton />
        {leave && (
          <button type="button" onClick={leave}>
            Forget key
          </button>
        )}
      </header>
      <main id="main">
        {first === 'experiments' && id === undefined && <ExperimentsPage query={address.query} />}
        {first === 'experiments' && id !== undefined && (
          <ExperimentPage key={id} id={id} query={address.query} />
        )}
        {first === 'overlay' && <OverlayPage query={address.query} />}
        {first === 'compare' && <ComparePage query={address.query} />}
        {first === 'sweeps' && id === undefined && <SweepsPage />}
        {first === 'sweeps' && id !== undefined && <SweepPage key={id} id={id} query={address.query} />}
        {first === 'new' && <SubmitPage query={address.query} />}
        {first === 'datasets' && <DatasetsPage query={address.query} />}
        {first === 'workers' && <WorkersPage />}
        {!['compare', 'overlay', ...places.map(([path]) => path as string)].includes(first) && (
          <h1 tabIndex={-1}>There is no page “{first}”</h1>
        )}
      </main>
    </>
  )
}

const themes = ['system', 'light', 'dark'] as const
const themeKey = 'loss-ledger-theme'
const readTheme = () => localStorage.getItem(themeKey) ?? 'system'
function show(theme: string) {
  const root = document.documentElement
  if (theme === 'system') delete root.dataset.theme
  else root.dataset.theme = theme
}
function ThemeButton() {
  const [theme, set] = useState(readTheme)
  const change = (theme: string) => {
    set(theme)
    localStorage.setItem(themeKey, theme)
    show(theme)
    dispatchEvent(new Event('themechange'))
  }
  const next = themes[(themes.indexOf(theme as 'system') + 1) % themes.length]
  return (
    <button type="button" onClick={() => change(next)} title={`Change to ${next}`}>
      <span class="spacious">Theme: </span>
      {theme}
    </button>
  )
}

/** Shows what the address names. */
export function start(): void {
  // Before anything is drawn in another.
  show(readTheme())
  render(<App />, document.getElementById('app')!)
  prefetch()
}
