/**
 * On which machines there is a native TensorFlow, and what differs between them: which wheel carries it, how pip names
 * the machine, what the libraries are called and how a binding is linked to them. Pure, so that every platform is tested
 * on every other.
 */

/**
 * The recipe for a machine (process.platform, process.arch) and a variant, cpu or cuda. `unavailable` says in half a
 * sentence why there is none.
 */
export function recipeFor(platform, arch, variant) {
  const recipe = recipes[`${platform} ${arch}`]
  if (recipe === undefined)
    return {
      unavailable: `there is a recipe for Linux on x64 and arm64 and for macOS on arm64, and this is ${platform} on ${arch}`,
    }
  if (variant === 'cuda' && recipe.cudaWheel === undefined)
    return {
      unavailable: `TensorFlow's wheels for ${platform} on ${arch} have no CUDA (LEDGER_TENSORFLOW=cpu builds one for the CPU)`,
    }
  const { cpuWheel, cudaWheel, ...rest } = recipe
  return { ...rest, wheel: variant === 'cuda' ? cudaWheel : cpuWheel }
}

/** What TensorFlow computes in, or makes threads in: no signal may interrupt it. */
const wrapped = ['TFE_NewContext', 'TFE_Execute', 'TF_LoadSessionFromSavedModel', 'TF_SessionRun']

const linux = {
  compiler: 'g++',
  compilerMissing: 'g++ is missing (Debian: apt-get install g++)',
  libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
  /**
   * The arguments that link `objects` to a binding: `folders` are searched, now and when it loads, and `opened` are the
   * libraries there that TensorFlow opens by name. They are linked too, so that they are there by then: whether the
   * binding's search path would count for TensorFlow depends on how TensorFlow itself was linked.
   */
  link: ({ objects, output, folders, libraries, opened }) => [
    ...['-shared', ...objects, '-o', output],
    ...folders.flatMap(folder => ['-L', folder]),
    ...libraries.map(name => `-l:${name}`),
    // native/signals.cc says why.
    ...wrapped.map(name => `-Wl,--wrap=${name}`),
    '-Wl,--no-as-needed',
    ...opened.map(name => `-l:${name}`),
    // An old-fashioned RPATH counts for the libraries' own needs as well.
    '-Wl,--disable-new-dtags',
    ...folders.map(folder => `-Wl,-rpath,${folder}`),
  ],
}

const recipes = {
  'linux x64': {
    ...linux,
    cpuWheel: 'tensorflow-cpu',
    cudaWheel: 'tensorflow',
    megabytes: 270,
    // With a platform named, pip takes wheels of just these; the CUDA wheels carry various of them.
    pipPlatforms: [
      'manylinux_2_28_x86_64',
      'manylinux_2_27_x86_64',
      'manylinux_2_17_x86_64',
      'manylinux2014_x86_64',
      'manylinux1_x86_64',
    ],
  },
  'linux arm64': {
    ...linux,
    cpuWheel: 'tensorflow',
    megabytes: 260,
    pipPlatforms: [
      'manylinux_2_28_aarch64',
      'manylinux_2_27_aarch64',
      'manylinux_2_17_aarch64',
      'manylinux2014_aarch64',
    ],
  },
  'darwin arm64': {
    cpuWheel: 'tensorflow',
    megabytes: 210,
    pipPlatforms: ['macosx_12_0_arm64', 'macosx_11_0_arm64'],
    compiler: 'clang++',
    compilerMissing: 'clang++ is missing (xcode-select --install)',
    libraries: ['libtensorflow_cc.2.dylib', 'libtensorflow_framework.2.dylib'],
    // Node's own symbols are there when the binding loads; the wheel's libraries say @rpath of themselves.
    link: ({ objects, output, folders, libraries }) => [
      ...['-bundle', '-undefined', 'dynamic_lookup', ...objects, '-o', output],
      ...libraries.map(name => `${folders[0]}/${name}`),
      ...folders.map(folder => `-Wl,-rpath,${folder}`),
    ],
  },
}
