import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { allocatorEnvironment, hasGlibc } from '../workers/allocator.ts'

const cpu = { engine: 'native', onGpu: false, glibc: true } as const

test("the compute child's allocator is set where TensorFlow computes on a CPU, glibc hands out memory, and nobody has said otherwise", () => {
  assert.ok(allocatorEnvironment({}, cpu).GLIBC_TUNABLES)
  assert.deepEqual(allocatorEnvironment({ GLIBC_TUNABLES: 'glibc.malloc.check=3' }, cpu), {})
  for (const other of [{ engine: 'wasm' }, { onGpu: true }, { glibc: false }] as const)
    assert.deepEqual(allocatorEnvironment({}, { ...cpu, ...other }), {})
})

test('glibc takes the settings as they are written', { skip: !hasGlibc() && 'not on glibc' }, () => {
  const env = { ...process.env, ...allocatorEnvironment({}, cpu), LD_SHOW_AUXV: '' }
  const loader = ['/lib64/ld-linux-x86-64.so.2', '/lib/ld-linux-aarch64.so.1'][process.arch === 'x64' ? 0 : 1]
  const said = execFileSync(loader, ['--list-tunables'], { env, encoding: 'utf8' })
  assert.match(said, /glibc\.malloc\.mmap_threshold: 0x100000000 /)
  assert.match(said, /glibc\.malloc\.trim_threshold: 0x400000000 /)
  assert.match(said, /glibc\.malloc\.hugetlb: 0x1 /)
})
