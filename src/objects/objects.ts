/**
 * Object storage: named byte strings, written once and whole. A folder here; anything that can take parts and then
 * commit them (an S3 multipart upload) fits the same interface.
 *
 * A key is `segment/segment/…`; an object appears under its key complete or not at all.
 */
import type { Readable } from 'node:stream'
import { ServiceError } from '../service-error.ts'

export type ByteRange = {
  /** First byte. */
  start: number
  /** The byte after the last. */
  end: number
}

export type CommittedObject = {
  key: string
  bytes: number
  /** Of the content, hexadecimal. */
  sha256: string
  contentType: string
}

export type ObjectWriter = {
  /** Adds bytes at the end; the array may be reused once this resolves. Calls must not overlap. */
  append(bytes: Uint8Array): Promise<void>
  /** Makes the object durable and visible, in place of what the key held before. */
  commit(): Promise<CommittedObject>
  /** Leaves no trace. Harmless after commit. */
  abort(): Promise<void>
}

export type Objects = {
  /** Throws where the key is not valid. */
  write(key: string, contentType: string): Promise<ObjectWriter>
  /** The bytes of a range, or all. Throws MissingObjectError, and RangeError for a range outside the object. */
  read(key: string, range?: ByteRange): Promise<Buffer>
  /** The same as a stream; a missing object is an 'error' event with a MissingObjectError. */
  stream(key: string, range?: ByteRange): Readable
  stat(key: string): Promise<{ bytes: number } | undefined>
  /**
   * Removes every object whose key is the prefix or lies under it (`prefix/…`). Removing nothing is fine. Where the store
   * may not be listed, the keys of `known` are removed, and what else lies there stays; without it, UnlistableError.
   */
  remove(prefix: string, known?: string[]): Promise<void>
  /**
   * The names directly under a prefix: of objects, and of what has objects under it. [] where there is nothing. Throws
   * UnlistableError.
   */
  names(prefix: string): Promise<string[]>
  /** Resolves when the store answers and can be used; rejects with a ServiceError when not. For readiness, and at the start. */
  ping(): Promise<void>
  /** Removes what writers that died left behind. Another's unfinished object is left alone for a day (in a bucket: a week). */
  sweep(): Promise<void>
  /** A URL from which anybody may download the object for a while; undefined where the store has no such thing. */
  downloadUrl(key: string, as: { contentType: string; filename: string }): Promise<SignedUrl | undefined>
}

/** A URL that needs no key: it has its own. */
export type SignedUrl = { url: string; expiresAt: Date }

/** Reading a key that holds nothing. */
export class MissingObjectError extends Error {
  readonly key: string
  constructor(key: string) {
    super(`there is no object ${key}`)
    this.name = 'MissingObjectError'
    this.key = key
  }
}

/** The store may be read and written, and not be listed. */
export class UnlistableError extends ServiceError {}

/** The object by which a store is known as a ledger's own (src/store/claim.ts). */
export const markKey = 'ledger-id'

/** What lies under a key is not what was written there. */
export class DamagedObjectError extends Error {
  readonly key: string
  constructor(key: string, found: string, expected: string) {
    super(`the object ${key} is damaged: it has ${found}, not ${expected}`)
    this.name = 'DamagedObjectError'
    this.key = key
  }
}

/** Where an experiment's object lives: `name` is the artifact's name, like weights/0-50.npy or manifest.json. */
export const objectKey = (experimentId: string, name: string): string => `experiments/${experimentId}/${name}`

const part = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/**
 * Throws where a key could mean anything but one object inside the store: empty, absolute, `.` or `..` or hidden parts,
 * or characters outside letters, digits and `. _ -`.
 */
export function checkKey(key: string): void {
  const parts = key.split('/')
  if (key.length > 900 || parts.some(name => name.length > 200 || !part.test(name))) {
    throw new Error(
      `${JSON.stringify(key)} is not an object key: parts of letters, digits, . _ - with / between`,
    )
  }
}
