/** Which workers a machine gets, and what each computes on. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chooseDevices, parseDevices, visibleDevices } from '../src/engine/devices.ts'
import { planFleet } from '../workers/fleet.ts'

const engine = 'native'

test('the threads of a machine are shared out, a device each where they are named', () => {
  assert.deepEqual(
    planFleet({ engine, workers: 3 }, undefined, 8),
    Array(3).fill({ threads: 2, device: undefined }),
  )
  assert.deepEqual(planFleet({ engine, workers: 4 }, undefined, 2)[3], { threads: 1, device: undefined })
  assert.deepEqual(planFleet({ engine, workers: 2 }, 5, 8)[0], { threads: 5, device: undefined })
  const plan = planFleet({ engine, devices: ['0', 'GPU-cc'] }, undefined, 16, () => parseDevices(csv))
  assert.deepEqual(plan, [
    { threads: 8, device: 'GPU-aaaa-1' },
    { threads: 8, device: 'GPU-cccc-3' },
  ])
  assert.deepEqual(planFleet({ engine, workers: 0 }, undefined, 2), [])
})

test('where nobody said how many, one worker; on WASM, which has one thread, one a core', () => {
  const count = (engine: 'native' | 'wasm', cores: number, workers?: number) =>
    planFleet({ engine, workers }, undefined, cores).length
  assert.deepEqual(
    [count('native', 16), count('wasm', 4), count('wasm', 64), count('wasm', 4, 1)],
    [1, 4, 8, 1],
  )
})

const csv = `0, GPU-aaaa-1, NVIDIA H100 80GB HBM3, 81559
1, GPU-bbbb-2, NVIDIA H100 80GB HBM3, 81559
2, GPU-cccc-3, NVIDIA GB10, [N/A]
`
test('nvidia-smi is read, and CUDA_VISIBLE_DEVICES means what it means to CUDA', () => {
  const devices = parseDevices(csv)
  assert.deepEqual(devices[1], {
    ...{ index: 1, uuid: 'GPU-bbbb-2', name: 'NVIDIA H100 80GB HBM3', memoryBytes: 81559 * 2 ** 20 },
  })
  assert.equal(devices[2].memoryBytes, 0)
  const seen = (visible: string | undefined) => visibleDevices(devices, visible).map(({ index }) => index)
  assert.deepEqual(seen(undefined), [0, 1, 2])
  assert.deepEqual(seen('2,0'), [2, 0])
  assert.deepEqual(seen('GPU-bb'), [1])
  assert.deepEqual(seen('0,9,1'), [0])
  assert.deepEqual(seen(''), [])
  assert.deepEqual(seen('-1'), [])
})

test('devices are named by their place among those that are visible, by UUID, or all', () => {
  const [first, second, third] = parseDevices(csv)
  assert.deepEqual(chooseDevices(['all'], [first, second]), ['GPU-aaaa-1', 'GPU-bbbb-2'])
  // As where the scheduler of a cluster shows the job two of the machine's devices.
  assert.deepEqual(chooseDevices(['0'], [third, second]), ['GPU-cccc-3'])
  assert.deepEqual(chooseDevices(['MIG-1234'], [first]), ['MIG-1234'])
  assert.throws(
    () => chooseDevices(['7'], [first]),
    /no CUDA device 7 here: nvidia-smi shows 0 \(NVIDIA H100/,
  )
  assert.throws(() => chooseDevices(['all'], []), /no CUDA device here: nvidia-smi shows none/)
})
