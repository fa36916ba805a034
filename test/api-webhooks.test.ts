/** Webhooks: sent when a status changes, signed, again where they were not taken, and to public addresses only. */
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { isForbidden, isPublic, publicLookup } from '../src/api/webhooks/address.ts'
import { deliver } from '../src/api/webhooks/deliver.ts'
import { minimalSpec, post, startApi, type TestApi } from './support/api.ts'

type Received = { headers: IncomingHttpHeaders; body: string }

/** A receiver on loopback that answers as it is told. */
async function startReceiver() {
  const received: Received[] = []
  const statuses: number[] = []
  const server = createServer(async (request, answer) => {
    let body = ''
    for await (const chunk of request) body += chunk
    received.push({ headers: request.headers, body })
    answer.writeHead(statuses.shift() ?? 204, { location: '/elsewhere' })
    answer.end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return { received, statuses, url: `http://127.0.0.1:${port}/hook`, close: () => server.close() }
}

const waitFor = async (what: () => boolean | Promise<boolean>) => {
  for (let i = 0; i < 200 && !(await what()); i++) await new Promise(resolve => setTimeout(resolve, 50))
  assert.ok(await what())
}

describe('webhooks', () => {
  let api: TestApi
  let receiver: Awaited<ReturnType<typeof startReceiver>>
  before(async () => {
    api = await startApi({ LEDGER_WEBHOOKS_TO_PRIVATE: 'yes' })
    receiver = await startReceiver()
  })
  after(async () => {
    receiver.close()
    await api.close()
  })
  const set = (id: string, data: object) => api.db.prisma.experiment.update({ where: { id }, data })

  test('one for every status that was asked for, signed with the tenant’s secret', async () => {
    const notify = [{ url: receiver.url, events: ['training', 'succeeded'] }, { url: `${receiver.url}/2` }]
    const id = await post(api, { ...minimalSpec(), name: 'told', notify })
    const { body } = await api.http.get(`/v1/experiments/${id}`).expect(200)
    assert.deepEqual(body.spec.notify[1].events, ['succeeded', 'failed', 'cancelled'])
    await set(id, { status: 'training' })
    await set(id, { trained: 3 })
    await set(id, { status: 'allocating' })
    await set(id, { status: 'succeeded', summary: { parameters: 5 } })
    await waitFor(() => receiver.received.length === 3)
    const types = receiver.received.map(({ body }) => JSON.parse(body).type).sort()
    assert.deepEqual(types, ['experiment.succeeded', 'experiment.succeeded', 'experiment.training'])
    const { secret } = (await api.http.get('/v1/webhooks/secret').expect(200)).body
    const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
    for (const { headers, body } of receiver.received) {
      const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`
      const expected = createHmac('sha256', key).update(signed).digest('base64')
      assert.equal(headers['webhook-signature'], `v1,${expected}`)
      assert.ok(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1000) < 60)
    }
    const last = receiver.received
      .map(({ body }) => JSON.parse(body))
      .find(({ type }) => /succeeded/.test(type))
    assert.deepEqual(last.data, {
      ...{ id, name: 'told', tags: {}, status: 'succeeded', error: null, summary: { parameters: 5 } },
    })
    await waitFor(async () => (await api.db.prisma.delivery.count()) === 0)
  })

  test('what was not taken is sent again later, under the same id; a redirect is not followed', async () => {
    receiver.received.length = 0
    receiver.statuses.push(500, 302)
    const id = await post(api, { ...minimalSpec(), notify: [{ url: receiver.url }] })
    await api.http.post(`/v1/experiments/${id}/cancel`).expect(202)
    for (let tries = 1; tries <= 3; tries++) {
      await waitFor(() => receiver.received.length === tries)
      if (tries === 3) break
      const due = () => api.db.prisma.delivery.findFirstOrThrow({ where: { experimentId: id } })
      // Ten seconds after the first, forty after the second.
      await waitFor(async () => {
        const wait = (await due()).nextAt.getTime() - Date.now()
        return wait < 10_000 * 4 ** (tries - 1) && wait > 8000 * 4 ** (tries - 1)
      })
      await api.db.prisma.delivery.updateMany({ data: { nextAt: new Date() } })
    }
    assert.equal(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size, 1)
    await waitFor(async () => (await api.db.prisma.delivery.count()) === 0)
  })

  test('receivers of one tenant that take their time hold up nobody else’s', async t => {
    const held: ServerResponse[] = []
    const slow = createServer((_request, answer) => void held.push(answer)).listen(0, '127.0.0.1')
    await once(slow, 'listening')
    t.after(() => slow.close())
    receiver.received.length = 0
    const experimentId = await post(api)
    const outbox = (tenant: string, url: string, count: number, nextAt: Date) =>
      api.db.prisma.delivery.createMany({
        data: Array.from({ length: count }, () => ({
          ...{ experimentId, tenant, url, event: 'succeeded', payload: {}, nextAt },
        })),
      })
    // Longer due than the others', and more than are sent at once.
    await outbox('slow', `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`, 40, new Date(0))
    await waitFor(() => held.length > 0)
    await outbox('quick', receiver.url, 40, new Date())
    await waitFor(() => receiver.received.length === 40)
    assert.equal(held.length, 4)
    // When one of theirs is done, their next is sent.
    held[0].writeHead(204).end()
    await waitFor(() => held.length === 5)
    await api.db.prisma.delivery.deleteMany({ where: { tenant: 'slow', attempts: 0 } })
    for (const answer of held.slice(1)) answer.writeHead(204).end()
    await waitFor(async () => (await api.db.prisma.delivery.count()) === 0)
  })

  test('it is in the outbox with the change of status, and goes with the experiment', async () => {
    const id = await post(api, { ...minimalSpec(), notify: [{ url: 'https://192.0.2.1/x' }] })
    const client = await api.db.pool.connect()
    await client.query('BEGIN')
    await client.query(`UPDATE experiments SET status = 'failed' WHERE id = $1`, [id])
    const { rows } = await client.query('SELECT event FROM deliveries WHERE experiment_id = $1', [id])
    assert.deepEqual(rows, [{ event: 'failed' }])
    await client.query('ROLLBACK')
    client.release()
    assert.equal(await api.db.prisma.delivery.count({ where: { experimentId: id } }), 0)
  })

  for (const [what, url] of [
    ['another protocol', 'ftp://example.com/'],
    ['a file', 'file:///etc/passwd'],
    ['no URL', 'example.com'],
    ['a password', 'https://user:pass@example.com/'],
    ['a line break', 'https://example.com/\r\nx: y'],
    ['a NUL', 'https://example.com/\0'],
  ])
    test(`a spec that notifies ${what} is refused`, async () => {
      const spec = { ...minimalSpec(), notify: [{ url }] }
      const { body } = await api.http.post('/v1/experiments').send(spec).expect(422)
      assert.equal(body.errors[0].path, '$.notify[0].url')
    })
})

test('only public addresses are public', () => {
  const inside = {
    'this machine': '127.0.0.1 127.9.9.9 127.1 0.0.0.0 0.1.2.3 ::1 ::',
    'private networks': '10.1.2.3 172.16.0.1 172.31.255.255 192.168.0.1 fc00::1 fd12::1 fec0::1 feff::1',
    'links, and what clouds have there': '169.254.169.254 fe80::1',
    'providers, protocols, measurements':
      '100.64.0.1 100.127.255.255 192.0.0.1 192.0.0.170 198.18.0.1 198.19.255.255 2001:2::1',
    examples: '192.0.2.1 198.51.100.1 203.0.113.1 2001:db8::1 3fff::1',
    'many, or nobody': '224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 ff02::1 ff0e::1 100::1',
    'IPv4 within IPv6: mapped, translated, compatible':
      '::ffff:127.0.0.1 ::ffff:a00:1 ::ffff:0:127.0.0.1 ::127.0.0.1 ::7f00:1 ::10.0.0.1 ::1.1.1.1',
    'IPv4 within IPv6: NAT64, 6to4, Teredo':
      '64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b:1::7f00:1 64:ff9b:1:ffff::1 2002:7f00:1:: 2002:a00:1:: 2001:0:0:1::',
    'given out to nobody': '4000::1 8000::1 f000::1 1::',
    'no address': 'localhost 1.2.3.4.5 1.1.1.1/8 [::1]',
  }
  for (const [what, addresses] of Object.entries({ ...inside, nothing: '' }))
    for (const address of addresses.split(' ')) assert.equal(isPublic(address), false, `${address}: ${what}`)
  for (const address of [
    '1.1.1.1',
    '93.184.215.14',
    '::ffff:1.1.1.1',
    '2606:4700:4700::1111',
    '2a00:1450::1',
  ])
    assert.equal(isPublic(address), true, address)
  // The forms that URLs know for the same address.
  for (const host of [
    '127.0.0.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '127.1',
    '[::1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    'localhost',
    'x.LOCALHOST.',
  ])
    assert.equal(isForbidden(new URL(`http://${host}/`)), true, host)
})

test('a webhook does not reach this machine, by address or by name, and is given up at once', async t => {
  const receiver = await startReceiver()
  t.after(receiver.close)
  const { port } = new URL(receiver.url)
  const message = { id: 'x', body: '{}', secret: new Uint8Array(32) }
  for (const host of ['127.0.0.1', '[::ffff:127.0.0.1]', 'localhost'])
    await assert.rejects(
      async () => deliver({ ...message, url: `http://${host}:${port}/` }, false),
      /not a public one/,
    )
  await new Promise<void>(resolve => {
    publicLookup('localhost', { all: true }, error => {
      assert.match(String(error), /not a public one/)
      resolve()
    })
  })
  const api = await startApi()
  t.after(api.close)
  const notify = [{ url: 'https://example.com/' }, { url: receiver.url }]
  const refused = await api.http
    .post('/v1/experiments')
    .send({ ...minimalSpec(), notify })
    .expect(422)
  assert.deepEqual(refused.body.errors, [
    {
      path: '$.notify[1].url',
      message: 'must lead to a public address; others only where LEDGER_WEBHOOKS_TO_PRIVATE=yes lets them',
    },
  ])
  const sweep = { base: { ...minimalSpec(), notify }, seeds: [1, 2] }
  const swept = await api.http.post('/v1/sweeps').send(sweep).expect(422)
  assert.equal(swept.body.errors[0].path, '$.base.notify[1].url')
  // What was accepted before it was forbidden.
  const experimentId = await post(api)
  await api.db.prisma.delivery.create({
    data: { experimentId, tenant: 'default', url: receiver.url, event: 'succeeded', payload: {} },
  })
  await waitFor(() => api.lines.some(({ msg }) => msg === 'webhook given up'))
  await waitFor(async () => (await api.db.prisma.delivery.count()) === 0)
  assert.deepEqual(receiver.received, [])
})
