/**
 * Which wheels make TensorFlow compute on CUDA: those that TensorFlow's own wheel names in its extra `and-cuda`. Nothing
 * here runs anything but nvidia-smi, so that it can be tested where there is no GPU.
 */
import { execFileSync } from 'node:child_process'

/** cpu or cuda: as LEDGER_TENSORFLOW says, or else whether nvidia-smi sees a device. */
export function tensorflowVariant(env = process.env, listDevices = nvidiaSmi) {
  const said = env.LEDGER_TENSORFLOW
  if (said !== undefined && said !== '') {
    if (said !== 'cpu' && said !== 'cuda') throw new Error(`LEDGER_TENSORFLOW=${said} is not cpu or cuda`)
    return said
  }
  return /^GPU \d+:/m.test(listDevices()) ? 'cuda' : 'cpu'
}

function nvidiaSmi() {
  try {
    return execFileSync('nvidia-smi', ['-L'], { encoding: 'utf8', stdio: 'pipe', timeout: 10_000 })
  } catch {
    return ''
  }
}

/** What pip is to download beside it: `nvidia-cublas-cu12<13.0,>=12.5.3.2` and so on, out of the wheel's METADATA. */
export function cudaRequirements(metadata) {
  return metadata
    .split('\n')
    .map(line => /^Requires-Dist:\s*([^;]+);\s*extra\s*==\s*["']and-cuda["']\s*$/.exec(line)?.[1])
    .filter(requirement => requirement !== undefined)
    .map(requirement => requirement.replaceAll(/[\s()]/g, ''))
}

/**
 * Which of the files are libraries that TensorFlow opens by name while it runs: libcublas.so.12, … Not those that these
 * open in turn, which lie beside them.
 */
export function openedLibraries(files) {
  const names = files.map(file => /\/lib\/(lib[^/]+\.so\.\d+)$/.exec(file)?.[1])
  const opened =
    /^lib(cudart|cublas|cublasLt|cufft|curand|cusolver|cusparse|nvJitLink|cudnn|nccl|nvrtc)\.so\./
  return [...new Set(names.filter(name => name !== undefined && opened.test(name)))].sort()
}

/** The folders with libraries among the files of the unpacked nvidia wheels: nvidia/cublas/lib, … */
export function libraryFolders(files) {
  const folders = files.map(file => /^(nvidia\/.+\/lib)\/[^/]+\.so[.\d]*$/.exec(file)?.[1])
  return [...new Set(folders.filter(folder => folder !== undefined))].sort()
}
