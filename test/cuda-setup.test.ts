/** The parts of the CUDA set-up that do not need a GPU: which wheels, which folders, what is missing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { missingLibraries } from '../src/cli/libraries.ts'

type Wheels = {
  tensorflowVariant(env: Record<string, string | undefined>, list?: () => string): string
  cudaRequirements(metadata: string): string[]
  libraryFolders(files: string[]): string[]
  openedLibraries(files: string[]): string[]
}
// Set-up is plain JavaScript, outside what the compiler knows.
const script = new URL('../../scripts/cuda-wheels.mjs', import.meta.url).href
const { tensorflowVariant, cudaRequirements, libraryFolders, openedLibraries } = (await import(
  script
)) as Wheels

test('a GPU that nvidia-smi lists means CUDA, unless LEDGER_TENSORFLOW says otherwise', () => {
  const one = () => 'GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-0)\n'
  const none = () => ''
  assert.equal(tensorflowVariant({}, one), 'cuda')
  assert.equal(tensorflowVariant({}, none), 'cpu')
  assert.equal(tensorflowVariant({ LEDGER_TENSORFLOW: 'cpu' }, one), 'cpu')
  assert.equal(tensorflowVariant({ LEDGER_TENSORFLOW: 'cuda' }, none), 'cuda')
  assert.throws(() => tensorflowVariant({ LEDGER_TENSORFLOW: 'rocm' }, none), /not cpu or cuda/)
})

test('the CUDA wheels are those of the extra and-cuda', () => {
  const metadata = [
    'Requires-Dist: numpy>=1.26.0',
    'Requires-Dist: nvidia-cublas-cu12<13.0,>=12.5.3.2; extra == "and-cuda"',
    "Requires-Dist: nvidia-cudnn-cu12 (<10.0,>=9.3.0.75) ; extra == 'and-cuda'",
    'Requires-Dist: tensorflow-gcs-filesystem; extra == "gcs-filesystem"',
    '',
    'Requires-Dist: nvidia-nccl-cu12 in a description; extra == "and-cuda" or not',
  ].join('\n')
  assert.deepEqual(cudaRequirements(metadata), [
    'nvidia-cublas-cu12<13.0,>=12.5.3.2',
    'nvidia-cudnn-cu12<10.0,>=9.3.0.75',
  ])
})

test('the libraries and their folders are found among the unpacked files', () => {
  const files = [
    'nvidia/cublas/lib/libcublas.so.12',
    'nvidia/cublas/lib/libcublasLt.so.12',
    'nvidia/cudnn/lib/libcudnn.so.9',
    'nvidia/cudnn/lib/libcudnn_graph.so.9',
    'nvidia/cuda_nvcc/bin/ptxas',
    'nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc',
    'tensorflow/libtensorflow_cc.so.2',
  ]
  assert.deepEqual(libraryFolders(files), ['nvidia/cublas/lib', 'nvidia/cudnn/lib'])
  assert.deepEqual(openedLibraries(files), ['libcublas.so.12', 'libcublasLt.so.12', 'libcudnn.so.9'])
})

test('ldd tells which libraries are missing', () => {
  const said = `\tlibtensorflow_cc.so.2 => /x/libtensorflow_cc.so.2 (0x0)
\tlibcudart.so.12 => not found
\tlibc.so.6 => /lib/libc.so.6 (0x0)
\tlibcudnn.so.9 => not found
`
  assert.deepEqual(missingLibraries(said), ['libcudart.so.12', 'libcudnn.so.9'])
})
