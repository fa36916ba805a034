/** What is stored of an experiment: tensors and manifest, with their sizes and the line that loads them. */
import type { Artifact, Experiment } from '../../../../clients/typescript/src/index.ts'
import { bytes, counted, whole } from '../../format.ts'
import { ledger, readKey, save } from '../../ledger.ts'
import { useLoad } from '../../parts/load.ts'
import { ActionButton, CopyButton, Failed } from '../../parts/small.tsx'
import { asNumpy } from '../../parts/snippets.ts'
import { Table } from '../../parts/table.tsx'

export function ArtifactsTab({ experiment: { id }, version }: { experiment: Experiment; version: number }) {
  const { value, error } = useLoad(
    async () => {
      const all: Artifact[] = []
      for await (const artifact of ledger.artifacts(id)) all.push(artifact)
      return all
    },
    [],
    id,
    version,
  )
  if (!value) return error ? <Failed error={error} /> : <p class="muted">Loading …</p>
  const total = value.reduce((sum, { bytes, derived }) => sum + (derived ? 0 : bytes), 0)
  return (
    <div class="stack">
      <p class="muted">
        {counted(value.length, 'artifact')}, {bytes(total)} stored. Those of all segments in one are put
        together as they are sent.
      </p>
      <Failed error={error} />
      <div class="row">
        <Archive id={id} />
        <Archive id={id} tensors />
      </div>
      {value.length > 0 && (
        <Table label="Artifacts" maxHeight="70vh" headings={['Name', ['Size'], 'Rows', 'numpy', 'Get']}>
          <tbody>
            {value.map(artifact => (
              <tr key={artifact.name}>
                <td class="mono">
                  {artifact.name}
                  {artifact.derived && <span class="muted"> all segments</span>}
                </td>
                <td class="number">{bytes(artifact.bytes)}</td>
                <td class="muted">
                  {artifact.rows !== null && artifact.iterations !== null
                    ? `${whole(artifact.rows)}, iterations ${whole(artifact.iterations.first)} to ${whole(artifact.iterations.last)}`
                    : ''}
                </td>
                <td>
                  {artifact.name.endsWith('.npy') && (
                    <span class="row" style={{ flexWrap: 'nowrap' }}>
                      <code>{asNumpy(artifact.name)}</code>
                      <CopyButton text={() => asNumpy(artifact.name)}>
                        Copy<span class="hidden"> the line for {artifact.name}</span>
                      </CopyButton>
                    </span>
                  )}
                </td>
                <td>
                  <Download id={id} artifact={artifact} />
                </td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
    </div>
  )
}

/** All of it as one file. With keys the page has to hold it before it is saved: the tensors are for `ledger archive` then. */
function Archive({ id, tensors = false }: { id: string; tensors?: boolean }) {
  const path = `/v1/experiments/${encodeURIComponent(id)}/archive?tensors=${tensors}`
  const words = tensors ? 'Archive with tensors (ZIP)' : 'Archive (ZIP): tables, figures, spec, log'
  if (readKey() === null)
    return (
      <a class="button" href={`.${path}`} download={`${id}.zip`}>
        {words}
      </a>
    )
  if (tensors) return <code>ledger archive {id} --tensors</code>
  return <ActionButton act={() => save(path, `${id}.zip`)}>{words}</ActionButton>
}

/** Without keys a link, which the browser streams to disk; with one the page has to fetch what only it has a key for. */
function Download({ id, artifact: { name, url } }: { id: string; artifact: Artifact }) {
  const file = name.replaceAll('/', '-')
  const words = (
    <>
      Download<span class="hidden"> {name}</span>
    </>
  )
  if (readKey() === null)
    return (
      <a class="button" href={`.${url}`} download={file}>
        {words}
      </a>
    )
  return (
    <ActionButton
      act={async () => {
        const link = await ledger.link(id, name)
        if (link.needsKey) return save(link.url, file)
        // Another host's, with a key of its own in the address: the browser goes there itself.
        location.assign(link.url)
      }}
    >
      {words}
    </ActionButton>
  )
}
