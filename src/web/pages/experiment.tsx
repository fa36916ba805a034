/** One experiment: where it is, its ledger, what was asked for, what is stored, and what can be done about it. */
import { useEffect, useState } from 'preact/hooks'
import { type Experiment, isFinished } from '../../../clients/typescript/src/index.ts'
import { linkTo } from '../address.ts'
import { taken } from '../begun.ts'
import {
  between,
  bytes,
  counted,
  duration,
  isolated,
  number,
  percent,
  signed,
  time,
  toneOf,
  whole,
} from '../format.ts'
import { ledger, noteError } from '../ledger.ts'
import { later } from '../parts/later.tsx'
import { useLoad } from '../parts/load.ts'
import { ActionButton, Failed, nameOf, Progress, placeInWords, Status, Tags, Title } from '../parts/small.tsx'
import { EditButton } from './experiment/edit.tsx'
import { BranchButton, ExtendButton } from './experiment/going-on.tsx'
import { LedgerTab } from './experiment/ledger.tsx'

const ArtifactsTab = later(({ ArtifactsTab }) => ArtifactsTab)
const ExplainedTab = later(({ ExplainedTab }) => ExplainedTab)
const LayersTab = later(({ LayersTab }) => LayersTab)
const LogTab = later(({ LogTab }) => LogTab)
const SpecTab = later(({ SpecTab }) => SpecTab)

const tabs = [
  ['ledger', 'Ledger'],
  ['findings', 'Findings'],
  ['layers', 'Layers'],
  ['spec', 'Spec'],
  ['artifacts', 'Artifacts'],
  ['log', 'Log'],
] as const

export function ExperimentPage({ id, query }: { id: string; query: URLSearchParams }) {
  const loaded = useLoad(() => taken(`experiment ${id}`, () => ledger.get(id)), [], id)
  const [told, setTold] = useState<Partial<Experiment>>({})
  const experiment = loaded.value && { ...loaded.value, ...told }
  // What it was told stays: it has ended also where the rest cannot be had.
  const { version, away } = useLive(experiment, setTold, loaded.reload)
  const name = experiment && nameOf(experiment)
  useEffect(() => {
    if (name !== undefined) document.title = `${name.slice(0, 200)} · Loss Ledger`
  }, [name])
  if (!experiment) return loaded.error ? <Failed error={loaded.error} /> : <p class="muted">Loading …</p>
  const tab = query.get('tab') ?? 'ledger'
  const reload = async (what: Promise<unknown>) => {
    await what
    setTold({})
    loaded.reload()
  }
  return (
    <div class="stack">
      <Head experiment={experiment} reload={reload} />
      {away && <p class="notice warn">{away}</p>}
      {/* Where all findings are shown, they say it. */}
      {(tab !== 'findings' || !experiment.summary?.findings) && <Unbalanced experiment={experiment} />}
      <Tiles experiment={experiment} />
      {tab !== 'findings' && <LargestFindings experiment={experiment} />}
      <nav class="tabs" aria-label="Parts of the experiment">
        {tabs.map(([value, words]) => (
          <a
            key={value}
            href={linkTo(['experiments', id], { tab: value === 'ledger' ? undefined : value })}
            aria-current={tab === value ? 'true' : undefined}
          >
            {words}
          </a>
        ))}
      </nav>
      {tab === 'ledger' && <LedgerTab experiment={experiment} query={query} version={version} />}
      {tab === 'findings' && <ExplainedTab experiment={experiment} query={query} version={version} />}
      {tab === 'layers' && <LayersTab experiment={experiment} query={query} version={version} />}
      {tab === 'spec' && <SpecTab experiment={experiment} />}
      {tab === 'artifacts' && <ArtifactsTab experiment={experiment} version={version} />}
      {tab === 'log' && <LogTab experiment={experiment} version={version} />}
    </div>
  )
}

/** Milliseconds between two looks at tables that grow. */
const pace = 1500

/** Follows an experiment by its events. `version` grows when its tables have; `away` says that nothing is heard of it. */
function useLive(
  experiment: Experiment | undefined,
  tell: (news: (old: Partial<Experiment>) => Partial<Experiment>) => void,
  ended: () => void,
) {
  const [version, setVersion] = useState(0)
  const [away, setAway] = useState<string>()
  const id = experiment?.id
  const running = experiment !== undefined && !isFinished(experiment.status)
  // Followed anew only when there is another thing to follow.
  useEffect(() => {
    if (id === undefined || !running) return
    const abort = new AbortController()
    let timer: ReturnType<typeof setTimeout> | undefined
    const grown = () => {
      timer ??= setTimeout(() => {
        timer = undefined
        setVersion(version => version + 1)
      }, pace)
    }
    const follow = async () => {
      for await (const event of ledger.events(id, { signal: abort.signal, attempts: 1000 })) {
        setAway(undefined)
        if (event.event === 'iteration' || event.event === 'decision') grown()
        else if (event.event === 'progress') {
          const progress = event.data
          tell(old => ({ ...old, progress }))
        } else {
          const { id: _, ...news } = event.data
          tell(old => ({ ...old, ...news }))
          if (!isFinished(news.status)) continue
          setVersion(version => version + 1)
          ended()
        }
      }
    }
    follow().catch(error => {
      if (!abort.signal.aborted) setAway(`No news: ${noteError(error).message}`)
    })
    return () => {
      abort.abort()
      clearTimeout(timer)
    }
  }, [id, running])
  return { version, away }
}

function Head({
  experiment,
  reload,
}: {
  experiment: Experiment
  reload(what: Promise<unknown>): Promise<void>
}) {
  const { id, status, progress, queue, worker, engine, error, tags, attempts } = experiment
  const finished = isFinished(status)
  const device = Object(engine) as { name?: string; device?: string }
  return (
    <div class="stack">
      <div class="row">
        <div class="grow">
          <Title>{nameOf(experiment)}</Title>
        </div>
        <div class="row">
          {!finished && (
            <ActionButton
              ask="Cancel this experiment? What is allocated by then stays readable."
              act={() => reload(ledger.cancel(id))}
            >
              Cancel
            </ActionButton>
          )}
          {finished && <ActionButton act={() => reload(ledger.retry(id))}>Retry</ActionButton>}
          {status === 'succeeded' && (
            <>
              <ExtendButton experiment={experiment} extended={() => reload(Promise.resolve())} />
              <BranchButton experiment={experiment} />
            </>
          )}
          <EditButton id={id} edited={() => void reload(Promise.resolve())} />
          <a class="button" href={linkTo(['new'], { from: id })}>
            New from this
          </a>
          <ActionButton
            danger
            ask={`Delete “${isolated(nameOf(experiment).slice(0, 200))}”, with its ledger and its tensors? There is no way back.`}
            act={async () => {
              await ledger.delete(id)
              location.hash = linkTo(['experiments'])
            }}
          >
            Delete
          </ActionButton>
        </div>
      </div>
      <div class="row">
        <Status status={status} />
        <span class="mono muted">{id}</span>
        <Tags tags={tags} />
        {experiment.sweepId !== null && (
          <a href={linkTo(['sweeps', experiment.sweepId])}>
            <span dir="auto">
              sweep{experiment.variant !== null && `: ${experiment.variant.slice(0, 100)}`}
            </span>
          </a>
        )}
      </div>
      {experiment.notes !== null && (
        <p class="notes" dir="auto">
          {experiment.notes}
        </p>
      )}
      {!finished && (
        <div role="status">
          <Progress progress={progress} />
          {queue && <p class="muted">{placeInWords(queue)}</p>}
        </div>
      )}
      {error && (
        <div class="notice bad">
          {error.message}
          {error.errors?.map(({ path, message }) => `\n${path}: ${message}`)}
        </div>
      )}
      <p class="muted">
        {experiment.dataset}, {experiment.architecture}, {counted(experiment.iterations, 'iteration')} ·
        posted {time(experiment.createdAt)}
        {experiment.startedAt !== null && ` · started ${time(experiment.startedAt)}`}
        {experiment.finishedAt !== null &&
          ` · ended ${time(experiment.finishedAt)}${experiment.startedAt === null ? ', before it was started' : `, after ${duration(between(experiment.startedAt, experiment.finishedAt))}`}`}
        {worker !== null && ` · on ${worker}`}
        {device.name !== undefined && ` (${[device.name, device.device].filter(Boolean).join(', ')})`}
        {attempts > 1 && ` · ${attempts} attempts`}
      </p>
    </div>
  )
}

/** Numbers that may be wrong say so where they are read. */
function Unbalanced({ experiment: { summary } }: { experiment: Experiment }) {
  const splits = Object.entries(summary?.unbalanced ?? {})
  if (splits.length === 0) return null
  return (
    <div class="notice bad" role="alert">
      {splits.map(([split, unbalanced]) => `${split}: ${unbalanced?.message}`).join('\n')}
    </div>
  )
}

function Tiles({ experiment: { summary, bytes: size } }: { experiment: Experiment }) {
  if (!summary) return null
  const entries = Object.entries(summary.splits) as ['train', NonNullable<(typeof summary.splits)['train']>][]
  return (
    <dl class="tiles">
      {entries.flatMap(([split, ends]) => [
        <div key={`${split} loss`}>
          <dt>{split} loss</dt>
          <dd>
            {number(ends.loss.final)}
            <small>from {number(ends.loss.initial)}</small>
          </dd>
        </div>,
        <div key={`${split} accuracy`}>
          <dt>{split} accuracy</dt>
          <dd>
            {percent(ends.accuracy.final)}
            <small>
              {ends.accuracy.final === null
                ? 'none: the targets are numbers'
                : `from ${percent(ends.accuracy.initial)}`}
            </small>
          </dd>
        </div>,
        <div key={`${split} lca`}>
          <dt>{split} LCA</dt>
          <dd class={toneOf(ends.lca)}>
            {signed(ends.lca)}
            {typeof ends.standardError === 'number' && ` ± ${number(ends.standardError, 2)}`}
            <small>
              {percent(ends.helpFractionOfMoved)} of what moved helped
              {ends.examples !== undefined &&
                ends.examples !== ends.of &&
                `; over ${whole(ends.examples)} of ${counted(ends.of!, 'example')}`}
            </small>
          </dd>
        </div>,
      ])}
      <div>
        <dt>Worst residual</dt>
        <dd>
          {number(Math.max(...entries.map(([, { worstResidual }]) => worstResidual ?? 0)), 3)}
          <small>of any iteration</small>
        </dd>
      </div>
      <div>
        <dt>Parameters</dt>
        <dd>
          {whole(summary.parameters)}
          <small>
            {counted(summary.gradients, 'full gradient')}, {duration(summary.allocationSeconds)} of computing
          </small>
        </dd>
      </div>
      <div>
        <dt>Stored</dt>
        <dd>
          {bytes(size.objects)}
          <small>and {bytes(size.ledger)} of ledger</small>
        </dd>
      </div>
    </dl>
  )
}

/** The largest, above everything else of the page. */
function LargestFindings({ experiment: { id, summary } }: { experiment: Experiment }) {
  const findings = summary?.findings
  if (!findings || findings.count === 0) return null
  // What the notice above says is not said again.
  const largest = findings.largest.filter(({ rule }) => rule !== 'unbalanced')
  const more = findings.count - largest.length
  return (
    <ul class="findings" aria-label="Findings">
      {largest.map(({ statement }, i) => (
        // A finding has no other name.
        <li key={i}>{statement}</li>
      ))}
      <li>
        <a href={linkTo(['experiments', id], { tab: 'findings' })}>
          {largest.length === 0
            ? 'Findings'
            : more > 0
              ? `${whole(more)} more, with intervals, advice and figures`
              : 'With intervals, advice and figures'}
        </a>
      </li>
    </ul>
  )
}
