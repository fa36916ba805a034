/** A loss or gradient that is not finite: nothing can be allocated, now or at another try. */
export class NotFiniteError extends Error {
  constructor(iteration: number, split: string) {
    super(
      `the loss or its gradient on the ${split} split is not finite at iteration ${iteration}: the training diverged; a lower learning rate may help`,
    )
    this.name = 'NotFiniteError'
  }
}
