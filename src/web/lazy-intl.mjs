/**
 * uPlot makes formatters for numbers and time zones as soon as it is loaded, which takes a tenth of a page's work before it shows
 * something; here its figures name their own. They are made when they are first asked for.
 */
const changes = [
  [`const numFormatter = new Intl.NumberFormat(domEnv ? nav.language : 'en-US');`, 'let numFormatter;'],
  [
    'numFormatter.format(val)',
    `(numFormatter ??= new Intl.NumberFormat(domEnv ? nav.language : 'en-US')).format(val)`,
  ],
  ['const localTz = new Intl.DateTimeFormat().resolvedOptions().timeZone;', ''],
  ['tz == localTz', 'tz == new Intl.DateTimeFormat().resolvedOptions().timeZone'],
]

export const lazyIntl = {
  name: 'lazy-intl',
  transform: {
    filter: { id: /uPlot\.esm\.js$/ },
    handler(code) {
      let changed = code
      for (const [before, after] of changes) {
        if (changed.split(before).length !== 2)
          throw new Error(`uPlot has no longer, or not once: ${before} (src/web/lazy-intl.mjs)`)
        changed = changed.replace(before, () => after)
      }
      return { code: changed, map: null }
    },
  },
}
