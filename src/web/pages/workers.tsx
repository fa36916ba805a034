/** Who computes, what they do, and what waits. */
import { type Experiment, isFinished } from '../../../clients/typescript/src/index.ts'
import { linkTo } from '../address.ts'
import { bytes, counted, duration, number, whole } from '../format.ts'
import { ledger } from '../ledger.ts'
import { useLoad } from '../parts/load.ts'
import { usePolling } from '../parts/poll.ts'
import { Failed, nameOf, Progress, placeInWords, Status, Title } from '../parts/small.tsx'
import { Table } from '../parts/table.tsx'

/** Of those that wait, so many say where they stand: each is asked. */
const mostPlaces = 12

export function WorkersPage() {
  const workers = useLoad(() => ledger.workers(), [])
  const queue = useLoad(async () => {
    const running: Experiment[] = []
    const waiting: string[] = []
    let count = 0
    for await (const { id, status } of ledger.list({ status: ['training', 'allocating', 'queued'] })) {
      if (status === 'queued') waiting.push(id)
      else if (running.length < mostPlaces) running.push(await ledger.get(id))
      if (++count >= 400) break
    }
    // The oldest are most likely to be next.
    const asked = await Promise.all(waiting.slice(-mostPlaces).map(id => ledger.get(id)))
    const queued = asked.filter(({ queue }) => queue !== null)
    queued.sort((a, b) => a.queue!.position - b.queue!.position)
    return {
      running: running.filter(({ status }) => !isFinished(status)),
      queued,
      waiting: waiting.length,
      more: count >= 400,
    }
  }, [])
  usePolling(
    () => {
      workers.reload()
      queue.reload()
    },
    4000,
    true,
  )
  return (
    <div class="stack">
      <Title>Workers and queue</Title>
      <Failed error={workers.error ?? queue.error} />
      {workers.value?.length === 0 && (
        <p class="notice warn">No worker lives: what is posted waits. `npm run worker` starts one.</p>
      )}
      {workers.value && workers.value.length > 0 && (
        <Table
          label="Workers"
          headings={[
            'Worker',
            'Computes on',
            ['Memory'],
            'Does',
            ['Gradients of examples'],
            ['Last sign of life'],
          ]}
        >
          <tbody>
            {workers.value.map(({ id, name, engine, memoryBytes, doing, examplesPerSecond, seenAt }) => (
              <tr key={id}>
                <td>{name}</td>
                <td>
                  <span>
                    {engine.name} {engine.version}, {engine.device}
                    {engine.onGpu ? '' : `, ${counted(engine.threads, 'thread')}`}
                  </span>
                </td>
                <td class="number">{bytes(memoryBytes)}</td>
                <td>
                  {doing === null ? (
                    <span class="muted">waits for work</span>
                  ) : (
                    <>
                      {doing.task === 'train' ? 'trains' : 'allocates'}{' '}
                      {doing.experiment === null ? (
                        <span class="muted">for another tenant</span>
                      ) : (
                        <a href={linkTo(['experiments', doing.experiment])}>
                          {doing.experiment.slice(0, 13)}
                        </a>
                      )}
                      {doing.from !== undefined && `, iterations ${whole(doing.from)} to ${whole(doing.to!)}`}
                      <span class="muted">
                        {' '}
                        for {duration((Date.now() - Date.parse(doing.since)) / 1000)}
                      </span>
                    </>
                  )}
                </td>
                <td class="number">
                  {examplesPerSecond === null ? '–' : `${number(examplesPerSecond, 3)} / s`}
                </td>
                <td class="number">{duration(Math.max(0, (Date.now() - Date.parse(seenAt)) / 1000))} ago</td>
              </tr>
            ))}
          </tbody>
        </Table>
      )}
      {queue.value && (
        <>
          <h2>
            Running and waiting
            <span class="muted">
              {' '}
              {whole(queue.value.running.length)} running, {whole(queue.value.waiting)}
              {queue.value.more ? ' or more' : ''} waiting
            </span>
          </h2>
          {[...queue.value.running, ...queue.value.queued].map(experiment => (
            <div key={experiment.id} class="card row">
              <Status status={experiment.status} />
              <a class="grow" dir="auto" href={linkTo(['experiments', experiment.id])}>
                {nameOf(experiment).slice(0, 200)}
              </a>
              <span style={{ flex: '2 1 300px' }}>
                {experiment.queue ? (
                  placeInWords(experiment.queue)
                ) : (
                  <Progress progress={experiment.progress} />
                )}
              </span>
            </div>
          ))}
        </>
      )}
    </div>
  )
}
