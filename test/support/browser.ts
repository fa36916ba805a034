/** Chromium for tests of the pages, where the machine has one. Whatever a page complains of is kept. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
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

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Nothing was complained of so far, axe finds nothing in either theme, and nothing is wider than the window. */
export async function assertPageWell({ page, complaints }: Watched): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme })
    // The policy of the page keeps scripts out: this one comes in by the debugger.
    const violations =
      await page.evaluate(`${axe};axe.run(document,{resultTypes:['violations']}).then(({violations})=>
      violations.map(({id,nodes})=>id+': '+nodes.slice(0,3).map(({html,failureSummary})=>html.slice(0,200)+' '+failureSummary).join(' | ')))`)
    assert.deepEqual(violations, [], `${colorScheme} ${page.url()}`)
  }
  assert.deepEqual(complaints, [])
  const over = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
  assert.ok((over as number) <= 0, `${page.url()} is ${over} pixels wider than the window`)
}
