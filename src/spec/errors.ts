/** One wrong field: where (a JSON path such as $.layers.fc_9.freeze), and what would be right. */
export type FieldError = { path: string; message: string }

/** A spec that cannot be run, with every wrong field in it. The API turns it into a 422. */
export class SpecError extends Error {
  readonly errors: FieldError[]
  constructor(errors: FieldError[]) {
    super(errors.map(error => `${error.path}: ${error.message}`).join('; '))
    this.name = 'SpecError'
    this.errors = errors
  }
}
