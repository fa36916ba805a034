/** There is nothing yet that a figure could show; the message says why. */
export class NothingToShow extends Error {
  override readonly name = 'NothingToShow'
}
