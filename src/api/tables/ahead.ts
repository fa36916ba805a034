/**
 * The pages of a generator, each asked for while the one before is being written: Postgres and this process work at the
 * same time. No more than one is ever waiting.
 */
export async function* ahead<T>(pages: AsyncGenerator<T, void>): AsyncGenerator<T, void> {
  let next = pages.next()
  try {
    for (;;) {
      const { value, done } = await next
      if (done) return
      next = pages.next()
      // Whoever stops reading must not leave a rejection that nobody hears.
      next.catch(() => {})
      yield value
    }
  } finally {
    await pages.return()
  }
}
