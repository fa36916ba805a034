/** How the memory of the compute child is handed out. */
import type { EngineName } from '../src/engine/description.ts'

/**
 * Activations of tens of megabytes come and go with every operation. glibc would map each anew and give it back, and the
 * system fill it with zeros, page by page; so it keeps them, in huge pages where the system has them on request. In two pairs
 * on a busy machine fc's gradient took 6 and 11 % less processor time, LeNet's and ResNet-20's neither more nor less than they
 * vary; resident memory stayed within 4 %. Nothing where TensorFlow computes on a GPU, without glibc, or where whoever
 * started this has said otherwise.
 */
export function allocatorEnvironment(
  env: NodeJS.ProcessEnv,
  { engine, onGpu, glibc }: { engine: EngineName; onGpu: boolean; glibc: boolean },
): NodeJS.ProcessEnv {
  if (engine !== 'native' || onGpu || !glibc || env.GLIBC_TUNABLES !== undefined) return {}
  const malloc = { hugetlb: 1, mmap_threshold: 2 ** 32, trim_threshold: 2 ** 34 }
  const tunables = Object.entries(malloc).map(([name, value]) => `glibc.malloc.${name}=${value}`)
  return { GLIBC_TUNABLES: tunables.join(':') }
}

/** Whether this process runs on glibc (and not on musl, or on another system). */
export function hasGlibc(): boolean {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } } | undefined
  return report?.header?.glibcVersionRuntime !== undefined
}
