/** What a tenant's datasets may have together, while one more arrives. addUpload looks again when it is complete. */
import type { Reserve } from '../../../data/uploads/examples.ts'
import type { Database } from '../../../store/database.ts'
import { storedBytes } from '../../../store/datasets.ts'
import { ProblemError } from '../../problem.ts'

/** The bytes of one upload. */
export type Reservation = {
  /** Takes more. Rejects where the tenant has not so many left. */
  take: Reserve
  /** Runs what makes the bytes count as stored, and gives them back; nobody sees them counted twice, or not at all. */
  settle<T>(work: () => Promise<T>): Promise<T>
  /** Gives back what was taken, if that has not been done. */
  release(): void
}

/** The uploads of a tenant that are on their way: how many, their bytes together, and what the next to look waits for. */
type Arriving = { uploads: number; taken: number; turn: Promise<unknown> }

/**
 * Begins reservations, of which a tenant's together never have more than is free. `most`: of its datasets; 0: any number.
 * They are of this process alone: uploads through several APIs may together store more for a while, but not keep it.
 */
export function datasetQuota(db: Database, most: number): (tenant: string) => Reservation {
  const tenants = new Map<string, Arriving>()
  return tenant => {
    const all = tenants.get(tenant) ?? { uploads: 0, taken: 0, turn: Promise.resolve() }
    tenants.set(tenant, all)
    all.uploads += 1
    let own = 0
    let open = true
    const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
      const result = all.turn.then(work)
      all.turn = result.catch(() => {})
      return result
    }
    const release = () => {
      if (!open) return
      open = false
      all.taken -= own
      all.uploads -= 1
      if (all.uploads === 0) tenants.delete(tenant)
    }
    return {
      take: async bytes => {
        if (most === 0) return
        await inTurn(async () => {
          const stored = await storedBytes(db.pool, tenant)
          if (stored + all.taken + bytes > most) throw datasetsFull(most)
          all.taken += bytes
          own += bytes
        })
      },
      settle: work => inTurn(() => work().finally(release)),
      release,
    }
  }
}

/** With the upload, the datasets of its tenant have more bytes than they may. */
export function datasetsFull(most: number): ProblemError {
  return new ProblemError(
    'storage-quota-exceeded',
    `your datasets, with this one and others that are on their way, would have more than ${most} bytes; delete one`,
  )
}
