/** Chromium for tests of the pages, where the machine has one. Whatever a page complains of is kept. */
import { existsSync } from 'node:fs'
import { type Browser, chromium, type Page } from 'playwright-core'

/** Without a window a page costs a sixth of the processor time. */
const known = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome'].map(
  name => `/usr/bin/${name}`,
)
export const chromiumPath = [process.env.CHROMIUM ?? '', ...known].find(
  file => file !== '' && existsSync(file),
)

/** Why tests in a browser are skipped; undefined: they are not. */
export const skipReason =
  chromiumPath === undefined
    ? 'no Chromium on this machine: apt-get install chromium-headless-shell'
    : undefined

export function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath!,
    // Root has no sandbox; what is loaded is our own.
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
  })
}

export type Watched = { page: Page; complaints: string[] }

/** A page whose errors, warnings and violations of the policy are noted as they come. */
export async function openPage(
  browser: Browser,
  options: Parameters<Browser['newPage']>[0] = {},
): Promise<Watched> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options })
  page.setDefaultTimeout(20_000)
  const complaints: string[] = []
  page.on('console', message => {
    if (message.type() !== 'error' && message.type() !== 'warning') return
    // What Chromium says of every answer that refuses something, which the pages show.
    if (/^Failed to load resource.*status of (400|401|409|422)/.test(message.text())) return
    complaints.push(message.text())
  })
  page.on('pageerror', error => complaints.push(error.message))
  page.on('dialog', dialog => {
    complaints.push(`a dialog: ${dialog.message()}`)
    void dialog.dismiss()
  })
  return { page, complaints }
}
