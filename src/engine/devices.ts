/** The CUDA devices of this machine, as nvidia-smi tells them; none where it is not there. */
import { execFileSync } from 'node:child_process'

export type CudaDevice = { index: number; uuid: string; name: string; memoryBytes: number }

/** Reads `nvidia-smi --query-gpu=index,uuid,name,memory.total --format=csv,noheader,nounits` (memory in MiB). */
export function parseDevices(csv: string): CudaDevice[] {
  return csv
    .split('\n')
    .map(line => line.split(',').map(cell => cell.trim()))
    .filter(cells => cells.length === 4 && /^\d+$/.test(cells[0]))
    .map(([index, uuid, name, memory]) => ({
      ...{ index: Number(index), uuid, name },
      // Some devices share the machine's memory and say [N/A].
      memoryBytes: Number.isFinite(Number(memory)) ? Number(memory) * 2 ** 20 : 0,
    }))
}

/**
 * The devices that CUDA shows under this CUDA_VISIBLE_DEVICES, in its order: indices or the beginnings of UUIDs; the
 * first that is not there hides all behind it, as CUDA has it.
 */
export function visibleDevices(devices: CudaDevice[], visible: string | undefined): CudaDevice[] {
  if (visible === undefined) return devices
  const found: CudaDevice[] = []
  for (const name of visible.split(',').map(part => part.trim())) {
    const device = devices.find(({ index, uuid }) =>
      /^\d+$/.test(name) ? index === Number(name) : name !== '' && uuid.startsWith(name),
    )
    if (device === undefined) break
    found.push(device)
  }
  return found
}

/**
 * The devices that are named, as CUDA_VISIBLE_DEVICES wants them: `all`, places among those that are visible (as CUDA
 * counts them), or UUIDs. By UUID, for places depend on CUDA_DEVICE_ORDER. MIG instances pass: nvidia-smi's list does not
 * have them. Throws where one is not there.
 */
export function chooseDevices(names: string[], visible: CudaDevice[]): string[] {
  const seen =
    visible.length === 0 ? 'none' : visible.map(({ name }, place) => `${place} (${name})`).join(', ')
  return names.flatMap(name => {
    if (name.startsWith('MIG-')) return [name]
    const found =
      name === 'all'
        ? visible
        : visible.filter(({ uuid }, place) =>
            /^\d+$/.test(name) ? place === Number(name) : uuid.startsWith(name),
          )
    if (found.length === 0)
      throw new Error(
        `there is no CUDA device${name === 'all' ? '' : ` ${name}`} here: nvidia-smi shows ${seen}`,
      )
    return found.map(({ uuid }) => uuid)
  })
}

/** All CUDA devices of the machine; [] where there is no driver. */
export function cudaDevices(): CudaDevice[] {
  const query = ['--query-gpu=index,uuid,name,memory.total', '--format=csv,noheader,nounits']
  try {
    return parseDevices(
      execFileSync('nvidia-smi', query, { encoding: 'utf8', stdio: 'pipe', timeout: 10_000 }),
    )
  } catch {
    // No driver, or none that answers: then CUDA has no device either.
    return []
  }
}
