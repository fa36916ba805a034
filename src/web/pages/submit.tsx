/** A new experiment: a form from the JSON Schema, or JSON, with the preview beside it while one types. */
import { useEffect, useRef, useState } from 'preact/hooks'
import {
  ApiError,
  type Experiment,
  type ExperimentSpec,
  type Preview,
} from '../../../clients/typescript/src/index.ts'
import { linkTo } from '../address.ts'
import { bytes, counted, number, whole } from '../format.ts'
import { base, ledger, noteError } from '../ledger.ts'
import { changed, type FieldErrors, Fields, type Schema } from '../parts/form.tsx'
import { useLoad } from '../parts/load.ts'
import { CopyButton, Failed, Title } from '../parts/small.tsx'
import { asCli, asCurl, asPython } from '../parts/snippets.ts'
import { Table } from '../parts/table.tsx'

const blank = {
  dataset: { name: 'synthetic-digits', trainExamples: 4000, validationExamples: 1000 },
  architecture: { name: 'fc', hidden: [100, 50] },
  optimizer: { name: 'sgd', learningRate: 0.05, momentum: 0.9 },
  training: { iterations: 200 },
}
const parts = ['dataset', 'architecture', 'loss', 'optimizer', 'training', 'allocation'] as const
const first = new Set([
  ...['name', 'dataset.name', 'dataset.trainExamples', 'dataset.validationExamples'],
  ...[
    'architecture.hidden',
    'architecture.depth',
    'architecture.width',
    'architecture.channels',
    'architecture.units',
  ],
  ...[
    'optimizer.learningRate',
    'optimizer.momentum',
    'training.iterations',
    'training.batchSize',
    'training.seed',
  ],
  ...['training.initial.experiment', 'training.initial.iteration', 'training.initial.state'],
  ...['allocation.method', 'allocation.maxError', 'allocation.splits'],
])

/** What tells a branch from what it goes on with, and an ablation from its baseline. */
const said = new Set(['training.initial', 'layers'])

/** A key of one's own: what is sent twice is one experiment. Not randomUUID, which pages over plain HTTP lack. */
const newKey = () => crypto.getRandomValues(new Uint32Array(4)).join('-')

export function SubmitPage({ query }: { query: URLSearchParams }) {
  const from = query.get('from')
  const subject = ['from', 'at', 'for'].map(name => query.get(name) ?? '').join(' ')
  const start = useLoad(
    async () => (from === null ? blank : startOf(await ledger.get(from), query)),
    [],
    subject,
  )
  if (start.error) return <Failed error={start.error} />
  if (!start.value) return <p class="muted">Loading …</p>
  return <Editor key={subject} start={start.value} />
}

/** The spec of another experiment; from one of its iterations on, where the address says at which, and for how many. */
function startOf({ id, name, spec }: Experiment, query: URLSearchParams): object {
  if (!query.has('at')) return spec
  const [iteration, iterations] = [Number(query.get('at')), Number(query.get('for'))]
  return {
    ...spec,
    name: `${(name ?? id.slice(-12)).slice(0, 180)} from ${iteration}`,
    training: { ...spec.training, iterations, initial: { experiment: id, iteration, state: true } },
  }
}

function Editor({ start }: { start: object }) {
  const [text, setText] = useState(() => JSON.stringify(start, null, 2))
  const [mode, setMode] = useState<'form' | 'json'>('form')
  const [state, set] = useState<{ preview?: Preview; error?: Error }>({})
  const [sending, setSending] = useState(false)
  const key = useRef(newKey())
  const schema = useLoad(
    async () =>
      (await ledger.http.json<{ components: { schemas: { ExperimentSpec: Schema } } }>('/docs/json'))
        .components.schemas.ExperimentSpec,
    [],
  )
  const datasets = useLoad(() => ledger.datasets(), [])
  const parsed = parse(text)
  useEffect(() => {
    // Another spec is another experiment.
    key.current = newKey()
    if ('error' in parsed) {
      set({ error: parsed.error })
      return
    }
    let overtaken = false
    const timer = setTimeout(() => {
      ledger.preview(parsed.spec as ExperimentSpec).then(
        preview => overtaken || set({ preview }),
        error =>
          overtaken || set(({ preview }) => ({ ...(preview && { preview }), error: noteError(error) })),
      )
    }, 300)
    return () => {
      overtaken = true
      clearTimeout(timer)
    }
  }, [text])
  const errors: FieldErrors = state.error instanceof ApiError ? (state.error.problem.errors ?? []) : []
  const spec = 'spec' in parsed ? parsed.spec : {}
  const change = (path: string[], value: unknown) =>
    setText(JSON.stringify(changed(spec, path, value), null, 2))
  const post = async () => {
    setSending(true)
    try {
      const { id } = await ledger.submit(spec as ExperimentSpec, { idempotencyKey: key.current })
      location.hash = linkTo(['experiments', id])
    } catch (error) {
      set({ error: noteError(error) })
      setSending(false)
    }
  }
  const context = {
    ...{ errors, said, first, set: change, resolved: state.preview?.spec },
    choices: { 'dataset.name': datasets.value?.map(({ name }) => name) ?? [] },
  }
  return (
    <div class="stack">
      <div class="row">
        <div class="grow">
          <Title>New experiment</Title>
        </div>
        <CopyButton text={() => asCurl(base, spec)}>Copy as curl</CopyButton>
        <CopyButton text={() => asPython(base, spec)}>Copy as Python</CopyButton>
        <CopyButton text={() => asCli(spec)}>Copy as CLI</CopyButton>
      </div>
      <div class="row" role="group" aria-label="How to write it">
        {(['form', 'json'] as const).map(one => (
          <button key={one} type="button" aria-pressed={one === mode} onClick={() => setMode(one)}>
            {one === 'form' ? 'Form' : 'JSON'}
          </button>
        ))}
      </div>
      <form
        class="grid2"
        noValidate
        onSubmit={event => {
          event.preventDefault()
          void post()
        }}
      >
        <div class="stack">
          <Failed error={schema.error} />
          {mode === 'form' && schema.value && 'spec' in parsed && (
            <>
              <div class="card">
                <Fields
                  schema={{
                    properties: { name: schema.value.properties!.name, tags: schema.value.properties!.tags },
                  }}
                  {...{ value: spec, path: [], context }}
                />
              </div>
              {parts
                .filter(part => schema.value?.properties?.[part])
                .map(part => (
                  <fieldset key={part}>
                    <legend>{part}</legend>
                    <Fields
                      schema={schema.value!.properties![part]}
                      value={(spec as Record<string, unknown>)[part]}
                      {...{ path: [part], context }}
                    />
                  </fieldset>
                ))}
              <fieldset>
                <legend>ablations and what is kept</legend>
                <Fields
                  schema={{
                    properties: Object.fromEntries(
                      Object.entries(schema.value.properties!).filter(
                        ([name]) => !['name', 'tags', ...parts].includes(name),
                      ),
                    ),
                  }}
                  {...{ value: spec, path: [], context }}
                />
              </fieldset>
            </>
          )}
          {(mode === 'json' || 'error' in parsed) && (
            <label class="field">
              <span>Spec, as JSON</span>
              <textarea
                spellcheck={false}
                value={text}
                aria-invalid={state.error ? 'true' : undefined}
                onInput={event => setText(event.currentTarget.value)}
              />
            </label>
          )}
        </div>
        <div class="card stack" style={{ position: 'sticky', top: '10px' }}>
          <h2>What it would be</h2>
          {errors.length > 0 ? (
            <div class="notice bad" role="alert">
              {errors.map(({ path, message }) => (
                <div key={path + message}>
                  <code>{path}</code> {message}
                </div>
              ))}
            </div>
          ) : (
            <Failed error={state.error} />
          )}
          {state.preview && <PreviewView preview={state.preview} old={state.error !== undefined} />}
          <div>
            <button type="submit" class="primary" disabled={sending || 'error' in parsed}>
              Run it
            </button>
          </div>
        </div>
      </form>
    </div>
  )
}

function parse(text: string): { spec: object } | { error: Error } {
  try {
    const spec: unknown = JSON.parse(text)
    if (typeof spec === 'object' && spec !== null && !Array.isArray(spec)) return { spec }
    return { error: new Error('A spec is a JSON object.') }
  } catch (error) {
    return { error: new Error(`This is not JSON: ${(error as Error).message}`) }
  }
}

function PreviewView({ preview, old }: { preview: Preview; old: boolean }) {
  const { layers, parameters, segments, gradientPasses, flops, bytes: size } = preview
  return (
    <div class="stack" style={old ? { opacity: 0.75 } : {}}>
      {old && <p class="muted">As it was before the last change:</p>}
      <dl class="tiles">
        <div>
          <dt>Parameters</dt>
          <dd>{whole(parameters)}</dd>
        </div>
        <div>
          <dt>Gradient passes</dt>
          <dd>
            {Object.entries(gradientPasses).map(([split, passes]) => (
              <small key={split}>
                {split} {whole(passes)}, at the least
              </small>
            ))}
          </dd>
        </div>
        <div>
          <dt>Operations</dt>
          <dd>
            {number(flops.training + flops.allocation, 3)}
            <small>floating-point, at the least</small>
          </dd>
        </div>
        <div>
          <dt>Storage</dt>
          <dd>
            {bytes(size.kept)}
            <small>
              {bytes(size.peak)} while it runs; {counted(segments, 'segment')}
            </small>
          </dd>
        </div>
      </dl>
      <Table label="Layers" maxHeight="50vh" headings={['Layer', ['Parameters'], 'Optimizer', 'Frozen']}>
        <tbody>
          {layers.map(({ layer, parameters, optimizer, freeze }) => (
            <tr key={layer}>
              <td>{layer}</td>
              <td class="number">{whole(parameters)}</td>
              <td>
                {String(optimizer.name)} {number(Number(optimizer.learningRate))}
              </td>
              <td>
                {freeze === null
                  ? ''
                  : `${whole(freeze.from)} to ${freeze.until === null ? 'the end' : whole(freeze.until)}`}
              </td>
            </tr>
          ))}
        </tbody>
      </Table>
    </div>
  )
}
