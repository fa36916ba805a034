/** Forms of uploads, in parts. */
import { idxImages, idxLabels } from './uploads.ts'

export type Part = [field: string, value: string | Buffer]
/** Twelve images of 4 × 4 in three classes. */
export const pair: Part[] = [
  ['images', idxImages(12)],
  ['labels', idxLabels(12)],
]
export const named = (name: string, ...parts: Part[]): Part[] => [['name', name], ...parts]

export const images = idxImages(12)
/** The file with one byte of it changed. */
export const change = (file: Buffer, at: number, value: number) => {
  const changed = Buffer.from(file)
  changed[at] = value
  return changed
}

export const just = (field: string, value: string | Buffer): Part[] => named('x', [field, value])
export const withLabels = (value: Buffer): Part[] => named('x', ['images', images], ['labels', value])

/** What must be refused: the parts of the form, the status, where, and the words. */
export type Refused = [what: string, parts: Part[], status: number, path: string | undefined, message: RegExp]
