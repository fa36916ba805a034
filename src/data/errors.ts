/** A dataset that cannot be used as it is: missing, malformed, too small. The message says which file and what would be right. */
export class DatasetError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'DatasetError'
  }
}

/** An upload that is larger than it may be. */
export class TooLargeError extends DatasetError {
  constructor(message: string) {
    super(message)
    this.name = 'TooLargeError'
  }
}
