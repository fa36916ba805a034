/** Which native TensorFlow a machine gets: every platform's recipe, on any platform. */
import assert from 'node:assert/strict'
import { test } from 'node:test'

type Recipe = {
  unavailable?: string
  wheel: string
  pipPlatforms: string[]
  compiler: string
  libraries: string[]
  link(parts: {
    objects: string[]
    output: string
    folders: string[]
    libraries: string[]
    opened: string[]
  }): string[]
}
// Set-up is plain JavaScript, outside what the compiler knows.
const script = new URL('../../scripts/platforms.mjs', import.meta.url).href
const { recipeFor } = (await import(script)) as {
  recipeFor(platform: string, arch: string, variant: string): Recipe
}

test('each machine gets its wheel, and pip is asked for that machine’s alone', () => {
  for (const [platform, arch, variant, wheel, machine] of [
    ['linux', 'x64', 'cpu', 'tensorflow-cpu', /^manylinux.*_x86_64$/],
    ['linux', 'x64', 'cuda', 'tensorflow', /^manylinux.*_x86_64$/],
    ['linux', 'arm64', 'cpu', 'tensorflow', /^manylinux.*_aarch64$/],
    ['darwin', 'arm64', 'cpu', 'tensorflow', /^macosx_\d+_0_arm64$/],
  ] as const) {
    const recipe = recipeFor(platform, arch, variant)
    assert.equal(recipe.wheel, wheel)
    for (const name of recipe.pipPlatforms) assert.match(name, machine)
  }
})

test('a machine without a recipe is told which have one', () => {
  assert.match(recipeFor('win32', 'x64', 'cpu').unavailable!, /Linux on x64 and arm64 and for macOS on arm64/)
  assert.match(recipeFor('darwin', 'x64', 'cpu').unavailable!, /this is darwin on x64/)
  assert.match(recipeFor('linux', 'arm64', 'cuda').unavailable!, /linux on arm64 have no CUDA/)
})

test('bindings find the wheel’s libraries where they were linked, and CUDA’s beside them', () => {
  const parts = { objects: ['a.o', 'b.o'], output: 'x.node', opened: ['libcublas.so.12'] }
  const folders = ['/tf', '/cuda']
  for (const arch of ['x64', 'arm64']) {
    const { link, libraries, compiler } = recipeFor('linux', arch, 'cpu')
    const args = link({ ...parts, folders, libraries })
    assert.equal(compiler, 'g++')
    for (const one of [
      '-l:libtensorflow_cc.so.2',
      '-l:libcublas.so.12',
      '-Wl,-rpath,/tf',
      '-Wl,-rpath,/cuda',
    ])
      assert.ok(args.includes(one), one)
    assert.ok(args.indexOf('-Wl,--no-as-needed') < args.indexOf('-l:libcublas.so.12'))
  }
  const { link, libraries, compiler } = recipeFor('darwin', 'arm64', 'cpu')
  const args = link({ ...parts, opened: [], folders: ['/tf'], libraries })
  assert.equal(compiler, 'clang++')
  // Linux's options would stop Apple's linker.
  assert.deepEqual(
    args.filter(arg => /as-needed|dtags|-l:|-shared/.test(arg)),
    [],
  )
  assert.ok(args.includes('/tf/libtensorflow_cc.2.dylib') && args.includes('-Wl,-rpath,/tf'))
})
