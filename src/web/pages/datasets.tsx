/** Datasets that specs can name, and the upload of one's own. */
import { useState } from 'preact/hooks'
import { ApiError, type Dataset } from '../../../clients/typescript/src/index.ts'
import { linkTo } from '../address.ts'
import { bytes, counted, percent, time, whole } from '../format.ts'
import { base, ledger, noteError, readKey } from '../ledger.ts'
import { useLoad } from '../parts/load.ts'
import { ActionButton, Failed, Title } from '../parts/small.tsx'
import { Table } from '../parts/table.tsx'
import { Look } from './datasets/look.tsx'

const heads = [
  'Name',
  'Shape',
  ['Classes'],
  ['Train'],
  ['Test'],
  'Where from',
  'Description',
  'Delete',
] as const

export function DatasetsPage({ query }: { query: URLSearchParams }) {
  const look = query.get('look')
  const { value, error, reload } = useLoad(() => ledger.datasets(), [])
  return (
    <div class="stack">
      <Title>Datasets</Title>
      <Failed error={error} />
      {value && (
        <Table label="Datasets" headings={heads}>
          <tbody>
            {value.map(({ name, shape, classes, outputs, trainFile, testFile, upload, description }) => (
              <tr key={name}>
                <td>
                  <a href={linkTo(['datasets'], { look: name })} aria-current={look === name || undefined}>
                    <strong>{name}</strong>
                  </a>
                </td>
                <td>{shape.join(' × ')}</td>
                <td class="number">{classes === null ? `${outputs} numbers` : whole(classes)}</td>
                <td class="number">{trainFile === null ? 'any number' : whole(trainFile)}</td>
                <td class="number">{testFile === null ? 'any number' : whole(testFile)}</td>
                <td>
                  {upload === null
                    ? 'built in'
                    : `uploaded ${time(upload.createdAt)}, ${bytes(upload.bytes)}`}
                </td>
                <td style={{ whiteSpace: 'normal', minWidth: '260px' }}>{description}</td>
                <td>
                  {upload !== null && (
                    <ActionButton
                      danger
                      ask={`Delete the dataset ${name}? Experiments that use it keep their ledgers, but cannot be tried again.`}
                      act={async () => {
                        await ledger.deleteDataset(name)
                        reload()
                      }}
                    >
                      Delete<span class="hidden"> {name}</span>
                    </ActionButton>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {look !== null && (
        <Look
          key={look}
          name={look}
          names={value?.find(({ name }) => name === look)?.classNames ?? null}
          query={query}
        />
      )}
      <Upload done={reload} />
    </div>
  )
}

const parts = [
  ['images', 'Images', 'IDX or .npy'],
  ['labels', 'Labels', 'IDX or .npy'],
  ['testImages', 'Test images', 'optional'],
  ['testLabels', 'Test labels', 'optional'],
  ['npz', 'Or one .npz', 'instead of the four'],
] as const

/** How files are to be read, where it is not as images of bytes with classes. The API wants it before the files. */
const readings = [
  ['values', 'Values are', ['bytes', 'numbers', 'tokens']],
  ['targets', 'Labels are', ['classes', 'numbers']],
  ['layout', 'Axes', ['nhwc', 'nchw', 'sequence']],
] as const
const words: Record<string, string> = {
  bytes: 'bytes: 0 to 255',
  numbers: 'numbers: float32',
  tokens: 'tokens: integers',
  nhwc: 'channels last',
  nchw: 'channels first',
  sequence: 'sequence: length, features',
}

function Upload({ done }: { done(): void }) {
  const [name, setName] = useState('')
  const [files, setFiles] = useState<Record<string, File | undefined>>({})
  const [said, setSaid] = useState<Record<string, string>>({})
  const say = (field: string) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget
    setSaid(said => ({ ...said, [field]: value }))
  }
  const [state, set] = useState<{ share?: number; error?: Error; made?: Dataset }>({})
  const errors = state.error instanceof ApiError ? (state.error.problem.errors ?? []) : []
  const errorAt = (field: string) =>
    errors
      .filter(({ path }) => path === `$.${field}` || path.startsWith(`$.${field}.`))
      .map(({ path, message }) => (
        <span key={path} class="error">
          {message}
        </span>
      ))
  const send = async () => {
    const form = new FormData()
    // Before the files: a name that is taken is then refused before they are sent.
    form.set('name', name)
    for (const [field, value] of Object.entries(said)) {
      if (field === 'vocabulary' && said.values !== 'tokens') continue
      if (field === 'classNames' && said.targets === 'numbers') continue
      // A name a line: the API has them as JSON.
      const lines = value.split('\n').map(line => line.trim())
      const sent = field === 'classNames' ? JSON.stringify(lines.filter(line => line !== '')) : value.trim()
      if (value.trim() !== '') form.set(field, sent)
    }
    for (const [part] of parts) {
      const file = files[part]
      if (file) form.set(part, file)
    }
    set({ share: 0 })
    try {
      set({ made: await post(form, share => set({ share })) })
      done()
    } catch (error) {
      set({ error: noteError(error) })
    }
  }
  return (
    <form
      class="card stack"
      onSubmit={event => {
        event.preventDefault()
        void send()
      }}
    >
      <h2>Upload your own</h2>
      <p class="muted">
        Images (n, height, width) or (n, height, width, channels) of whole numbers from 0 to 255, labels (n),
        as numpy.save, numpy.savez or IDX write them, gzipped or not; features, sequences, tokens and targets
        that are numbers, where it is said below. They are checked while they arrive.
      </p>
      <div class="fields" style={{ gridTemplateColumns: 'repeat(auto-fill, minmax(240px, 1fr))' }}>
        <label class="field">
          <span>Name</span>
          <input
            required
            pattern="[A-Za-z0-9][A-Za-z0-9._\-]{0,63}"
            title="1 to 64 letters, digits, dots, dashes and underscores"
            value={name}
            onInput={event => setName(event.currentTarget.value)}
          />
          {errorAt('name')}
        </label>
        {parts.map(([part, words, hint]) => (
          <label key={part} class="field">
            <span>
              {words} <span class="muted">({hint})</span>
            </span>
            <input
              type="file"
              onChange={event => {
                const file = event.currentTarget.files?.[0]
                setFiles(files => ({ ...files, [part]: file }))
              }}
            />
            {errorAt(part)}
          </label>
        ))}
        {readings.map(([field, title, choices]) => (
          <label key={field} class="field">
            <span>{title}</span>
            <select value={said[field] ?? ''} onChange={say(field)}>
              {choices.map((choice, n) => (
                <option key={choice} value={n === 0 ? '' : choice}>
                  {words[choice] ?? choice}
                </option>
              ))}
            </select>
            {errorAt(field)}
          </label>
        ))}
        {said.values === 'tokens' && (
          <label class="field">
            <span>
              Vocabulary <span class="muted">(the largest token and one)</span>
            </span>
            <input inputMode="numeric" value={said.vocabulary ?? ''} onInput={say('vocabulary')} />
            {errorAt('vocabulary')}
          </label>
        )}
        {said.targets !== 'numbers' && (
          <label class="field">
            <span>
              Names of classes <span class="muted">(optional, a line each)</span>
            </span>
            <textarea rows={2} dir="auto" value={said.classNames ?? ''} onInput={say('classNames')} />
            {errorAt('classNames')}
          </label>
        )}
      </div>
      {state.share !== undefined && (
        <div role="status">
          <progress value={state.share} max={1} aria-label="Upload" />
          <span class="muted">
            {state.share < 1 ? `${percent(state.share, 0)} sent` : 'sent; being checked and stored'}
          </span>
        </div>
      )}
      <Failed error={state.error} />
      {state.made && (
        <p class="notice" role="status">
          {state.made.name}: {state.made.trainFile === null ? '' : whole(state.made.trainFile)} examples of{' '}
          {state.made.shape.join(' × ')},{' '}
          {state.made.classes === null
            ? `${state.made.outputs} numbers to predict`
            : counted(state.made.classes, 'class', 'classes')}
          . Specs can name it.
        </p>
      )}
      <div>
        <button type="submit" class="primary" disabled={state.share !== undefined}>
          Upload
        </button>
      </div>
    </form>
  )
}

/** Posts a dataset. By XMLHttpRequest: fetch does not say how much has been sent. */
function post(form: FormData, progress: (share: number) => void): Promise<Dataset> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', `${base}/v1/datasets`)
    const key = readKey()
    if (key !== null) request.setRequestHeader('authorization', `Bearer ${key}`)
    request.upload.onprogress = ({ loaded, total }) => progress(total > 0 ? loaded / total : 0)
    request.onload = () => {
      let answer: unknown
      try {
        answer = JSON.parse(request.responseText)
      } catch {
        answer = {}
      }
      if (request.status < 300) resolve(answer as Dataset)
      else reject(new ApiError(request.status, answer as object, request.statusText))
    }
    request.onerror = () => reject(new Error('the upload broke off'))
    request.send(form)
  })
}
