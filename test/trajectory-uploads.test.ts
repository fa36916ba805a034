/** Trainings that happened elsewhere, as they are sent: checked by name and shape, a tenant's own, kept while they are used. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { createKey } from '../src/store/keys.ts'
import { startApi, type TestApi } from './support/api.ts'
import { type Arrays, safetensors, sendTrajectory as send, zeros } from './support/trajectories.ts'

const fc = { dataset: { name: 'mnist' }, architecture: { name: 'fc', hidden: [3] } }
const weights = (rows: number): Arrays => ({
  'a.weight': zeros(rows, 3, 784),
  'a.bias': zeros(rows, 3),
  'b.weight': zeros(rows, 10, 3),
  'b.bias': zeros(rows, 10),
})
const torch = { ...fc, layout: 'torch', map: { fc_1: 'a', fc_2: 'b' } }

describe('uploads', () => {
  let api: TestApi
  let url: string
  before(async () => {
    api = await startApi({ LEDGER_AUTH: 'keys', LEDGER_MAX_DATASETS_BYTES: '200000' })
    url = `http://127.0.0.1:${(api.app.server.address() as { port: number }).port}`
  })
  after(() => api.close())
  const keyOf = async (tenant: string) =>
    (await createKey(api.db, { name: 'k', tenant, scopes: ['submit'] })).key

  test('a wrong tensor is named, with its shape and what would be right; nothing is kept', async () => {
    const key = await keyOf('wrong')
    const { 'b.bias': _, ...without } = weights(2)
    const refused = async (trajectory: object, file: Buffer, pattern: RegExp, status = 422) => {
      const { status: found, body } = await send(url, trajectory, [file], undefined, key)
      assert.equal(found, status, JSON.stringify(body))
      assert.match(JSON.stringify(body.errors), pattern)
    }
    const whole = safetensors(weights(2))
    const transposed = safetensors({ ...weights(2), 'a.weight': zeros(2, 784, 3) })
    await refused(
      torch,
      transposed,
      /\\"a\.weight\\" \(fc_1\/kernel\) must be \[3, 784\], or \[rows, 3, 784\], and is \[2, 784, 3\]/,
    )
    await refused(torch, safetensors(without), /lacks b\.bias \(fc_2\/bias\)/)
    await refused(
      torch,
      safetensors({ ...weights(2), extra: zeros(2, 1) }),
      /\\"extra\\" is no weight of this network/,
    )
    await refused(
      torch,
      safetensors({ ...weights(2), 'a.bias': zeros(3, 3) }),
      /has 3 rows, and .*a\.weight.* has 2/,
    )
    await refused(torch, safetensors(weights(1)), /two rows of weights at the least/)
    await refused(torch, whole.subarray(0, -4), /ends within/)
    await refused(torch, Buffer.from('PK\x03\x04 and no archive'), /lacks a\.weight/)
    await refused({ ...torch, map: { fc_3: 'a' } }, whole, /trajectory\.map.*fc_3.*did you mean/)
    await refused(
      { ...torch, architecture: { name: 'fc', hidden: [-3] } },
      whole,
      /\$\.trajectory\.architecture\.hidden/,
    )
    await refused(
      { ...torch, layout: 'jax', every: 0, losses: [{ row: 'x' }] },
      whole,
      /layout.*|every.*|losses.*/,
    )
    await refused({ ...torch, losses: [{ row: 2, loss: 1 }] }, whole, /losses\[0\]\.row.*must be < 2/)
    // What the optimizer keeps is called and shaped as the weights are; without being told of it is none of them.
    const adam = { ...torch, optimizer: { name: 'adam' }, optimizerState: true }
    const slot = (suffix: string) =>
      Object.fromEntries(Object.entries(weights(2)).map(([name, one]) => [`${name}.${suffix}`, one]))
    const kept: Arrays = { ...weights(2), ...slot('exp_avg'), ...slot('exp_avg_sq'), learning_rate: zeros(2) }
    await refused(torch, safetensors(kept), /exp_avg.* is no weight of this network.*optimizerState/)
    const { 'b.bias.exp_avg_sq': __, ...lacking } = kept
    await refused(adam, safetensors(lacking), /lacks b\.bias\.exp_avg_sq \(exp_avg_sq of fc_2\/bias\)/)
    await refused(
      adam,
      safetensors({ ...kept, 'a.weight.exp_avg': zeros(2, 784, 3) }),
      /a\.weight\.exp_avg\\" \(exp_avg of fc_1\/kernel\) must be \[3, 784\]/,
    )
    const wrongState = (about: object, pattern: RegExp) => refused({ ...adam, ...about }, whole, pattern)
    await wrongState({ every: 2 }, /optimizerState.*unless every is 1/)
    await wrongState({ optimizer: undefined }, /optimizerState.*needs the optimizer/)
    await wrongState({ optimizer: { name: 'sgd' } }, /optimizerState.*without momentum/)
    await wrongState(
      { optimizerState: { weightDecay: { fc_9: 1, fc_1: -1 }, updates: -1 } },
      /updates.*weightDecay\[.*fc_9.*did you mean.*fc_1.*≥ 0/,
    )
    assert.deepEqual(await api.objects.names('trajectories'), [])
  })

  test('counts towards a tenant’s quota, is that tenant’s alone, and is kept while an experiment is of it', async () => {
    const [key, other] = [await keyOf('one'), await keyOf('other')]
    const { status, body } = await send(
      url,
      { ...torch, optimizer: { name: 'adam' }, name: 'mine' },
      [safetensors(weights(1)), safetensors(weights(2))],
      undefined,
      key,
    )
    assert.equal(status, 201, JSON.stringify(body))
    assert.deepEqual([body.iterations, body.parameters, body.optimizer.learningRate], [2, 2395, 0.001])
    const ask = (as: string, path: string, method = 'get') =>
      (method === 'get' ? api.http.get(path) : api.http.delete(path)).set('authorization', `Bearer ${as}`)
    const at = `/v1/trajectories/${body.id}`
    await ask(key, at).expect(200)
    await ask(other, at).expect(404)
    await ask(other, at, 'delete').expect(404)
    assert.equal((await ask(other, '/v1/trajectories').expect(200)).body.items.length, 0)
    const full = await send(url, torch, [safetensors(weights(20))], undefined, key)
    assert.equal(full.status, 413, JSON.stringify(full.body))

    const post = (as: string, training: object, more: object = {}) =>
      api.http
        .post('/v1/experiments')
        .set('authorization', `Bearer ${as}`)
        .send({ dataset: fc.dataset, training, ...more })
    const posted = await post(key, { trajectory: body.id }).expect(202)
    const { spec } = posted.body
    assert.deepEqual(
      [spec.training.iterations, spec.optimizer.name, spec.architecture.hidden],
      [2, 'adam', [3]],
    )
    await ask(key, at, 'delete').expect(409)
    const errors = async (as: string, training: object, more?: object) =>
      JSON.stringify((await post(as, training, more).expect(422)).body.errors)
    assert.match(
      await errors(
        other,
        { trajectory: body.id, iterations: 1 },
        { architecture: fc.architecture, optimizer: { name: 'sgd' } },
      ),
      /is not a trajectory here/,
    )
    assert.match(await errors(key, { trajectory: body.id, iterations: 3 }), /iterations.*must be ≤ 2/)
    assert.match(
      await errors(key, { trajectory: body.id, l2: 0.1 }, { layers: { fc_1: { freeze: true } } }),
      /\$\.layers.*\$\.training\.l2/,
    )
    assert.match(
      await errors(key, { trajectory: body.id }, { allocation: { diagnostics: { components: true } } }),
      /diagnostics\.components.*weights alone came along/,
    )
    assert.match(
      await errors(key, { trajectory: body.id }, { architecture: { name: 'fc', hidden: [4] } }),
      /\$\.training\.trajectory.*fc_1\/kernel \[784, 4\]/,
    )
    await api.http
      .post(`/v1/experiments/${posted.body.id}/cancel`)
      .set('authorization', `Bearer ${key}`)
      .expect(202)
    await ask(key, at, 'delete').expect(204)
    assert.deepEqual(await api.objects.names('trajectories'), [])
  })
})
