/** The pages in a browser, over a real server with a worker: what is shown is what the API says, and nothing complains. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { pino } from 'pino'
import type { Browser } from 'playwright-core'
import { connect, type ExperimentListItem, type LedgerClient } from '../clients/typescript/src/index.ts'
import { htmlReport } from '../src/cli/html-report.ts'
import { type Server, startServer } from '../src/cli/serve.ts'
import { readConfig } from '../src/config.ts'
import { experimentReport } from '../src/figures/report.ts'
import { assertPageWell, launch, openPage, skipReason, type Watched } from './support/browser.ts'
import { type TestDatabase, testDatabase } from './support/database.ts'
import { idxImages, npyLabels } from './support/uploads.ts'

const hostile = `<img src=x onerror=alert(1)>"'\u202Egnp.exe 🎉`
const spec = {
  name: 'seen in a browser',
  tags: { study: 'pages' },
  dataset: { name: 'synthetic-digits', trainExamples: 400, validationExamples: 100 },
  architecture: { name: 'fc' as const, hidden: [10] },
  optimizer: { name: 'sgd' as const, learningRate: 0.1 },
  training: { iterations: 24, batchSize: 50, seed: 5 },
  allocation: {
    segmentIterations: 8,
    diagnostics: { components: true, classes: true, counterfactuals: { every: 4 } },
  },
}

const file = (name: string, buffer: Buffer) => ({ name, mimeType: 'application/octet-stream', buffer })

describe('the pages', { skip: skipReason }, () => {
  let database: TestDatabase
  let directory: string
  let server: Server
  let ledger: LedgerClient
  let browser: Browser
  let id: string
  let opened: Watched

  before(async () => {
    database = await testDatabase()
    directory = await mkdtemp(path.join(tmpdir(), 'loss-ledger-pages-'))
    // The worker reads the environment it inherits.
    Object.assign(process.env, { DATABASE_URL: database.url, LEDGER_DIR: directory, LOG_LEVEL: 'error' })
    server = await startServer({ ...readConfig(), port: 0, workers: 1 }, pino({ level: 'error' }))
    ledger = connect({ url: server.url })
    ;[browser, { id }] = await Promise.all([launch(), ledger.submit(spec)])
    opened = await openPage(browser)
  })
  after(async () => {
    await browser?.close()
    await server?.close()
    await database?.close()
    await rm(directory, { recursive: true, force: true })
  })

  /** Goes there and waits for the page's title. */
  async function visit(address: string, title: string, { page } = opened) {
    await page.goto(`${server.url}/${address}`)
    await page.getByRole('heading', { level: 1, name: title }).waitFor()
    return page
  }
  const assertWell = (watched = opened) => assertPageWell(watched)

  test('what is loaded is small, and the policy lets nothing else in', async () => {
    const response = await fetch(`${server.url}/`)
    const policy = response.headers.get('content-security-policy')!
    assert.match(policy, /^default-src 'none'; script-src 'self'; style-src 'self';/)
    assert.doesNotMatch(policy, /unsafe|https?:/)
    assert.doesNotMatch(await response.text(), /https?:|<script>|style=|\son\w+=/)
    const folder = new URL('../web/assets/', import.meta.url)
    const files = (await readdir(folder)).filter(file => /\.(js|css)$/.test(file))
    const sizes = files.map(file => gzipSync(readFileSync(new URL(file, folder))).length)
    assert.ok(sizes.reduce((a, b) => a + b) <= 100_000, `${sizes} bytes`)
    const [script] = files.filter(file => file.endsWith('.js'))
    for (const [asked, sent] of [
      ['gzip', 'gzip'],
      ['identity', null],
    ] as const) {
      const { headers, ...answer } = await fetch(`${server.url}/assets/${script}`, {
        headers: { 'accept-encoding': asked },
      }).then(async answer => ({ headers: answer.headers, text: await answer.text() }))
      assert.deepEqual(
        ['content-encoding', 'vary', 'content-type'].map(name => headers.get(name)),
        [sent, 'accept-encoding', 'application/javascript; charset=utf-8'],
      )
      assert.equal(answer.text, readFileSync(new URL(script, folder), 'utf8'))
    }
    const missing = await fetch(`${server.url}/assets/none.js`)
    assert.equal(missing.headers.get('content-type'), 'application/problem+json; charset=utf-8')
  })

  test('an experiment is followed to its end, and its figures say what the API does', async () => {
    // What it shows is asked for before it is known how that looks.
    const asked = opened.page.waitForRequest(`**/v1/experiments/${id}`)
    await opened.page.route('**/*.css', route => asked.then(() => route.continue()), { times: 1 })
    const page = await visit(`#/experiments/${id}`, spec.name)
    await page.locator('.status.succeeded').waitFor({ timeout: 60_000 })
    // By events alone: what is shown once it has ended came without a reload.
    const { summary } = await ledger.get(id)
    const { lca, loss } = summary!.splits.train!
    const shown = (value: number) => String(Number(value.toPrecision(4))).replace('-', '−')
    await page.getByText(shown(lca!)).first().waitFor()
    const says = async (name: RegExp) => await page.getByRole('img', { name }).getAttribute('aria-label')
    const stack = (await says(/^From iteration 0 to 24 /))!
    assert.ok(stack.includes(`the train loss changed by ${shown(lca!)}, `), stack)
    const curve = (await says(/^The train loss goes/))!
    assert.ok(curve.includes(`goes from ${shown(loss.initial!)} to ${shown(loss.final!)}, `), curve)
    await assertWell()
  })

  test('a zoom asks the server for that span, is in the address, and the back button undoes it', async () => {
    const page = await visit(`#/experiments/${id}`, spec.name)
    const asked = page.waitForRequest(/allocations\?from=6&to=18&.*spans=400/)
    await page.getByRole('button', { name: 'Zoom in' }).click()
    await asked
    await page.getByText('iterations 6 to 18 of 24').waitFor()
    assert.match(page.url(), /from=6&to=18/)
    const heat = page.getByRole('img', { name: /LCA on train of 2 layers in 12 iterations/ })
    await heat.waitFor()
    await page.goBack()
    await page.getByText('iterations 0 to 24 of 24').waitFor()
    // By the mouse, in the map itself.
    const map = page.locator('.u-over').nth(2)
    await map.scrollIntoViewIfNeeded()
    const box = (await map.boundingBox())!
    await page.mouse.move(box.x + box.width / 4, box.y + 20)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width / 2, box.y + 20, { steps: 3 })
    await page.mouse.up()
    await page.getByText(/iterations [56] to 1[23] of 24/).waitFor()
  })

  test('findings come first, and every diagnostic that was recorded has its figure, with its numbers', async () => {
    const page = await visit(`#/experiments/${id}?tab=findings`, spec.name)
    const says = async (name: RegExp) => (await page.getByRole('img', { name }).getAttribute('aria-label'))!
    const { items } = await ledger.findings(id)
    for (const { statement } of items) await page.getByText(statement.slice(1)).first().waitFor()
    if (items.length === 0) await page.getByText('Nothing can be said of this experiment').waitFor()
    const { columns } = await ledger.diagnostic(id, 'counterfactuals', { split: 'train' })
    const masks = Array.from(columns.mask as ArrayLike<string>)
    const helpers = masks
      .map((mask, row) => (mask === 'helpers' ? (columns.change as ArrayLike<number>)[row] : 0))
      .reduce((a, b) => a + b)
    const scatter = await says(/^Changes of the train loss by parts/)
    assert.ok(
      scatter.includes(`helpers ${String(Number(helpers.toPrecision(3))).replace('-', '−')} `),
      scatter,
    )
    const curvature = await ledger.diagnostic(id, 'curvature', { split: 'train' })
    const over = Array.from(curvature.columns.alpha as ArrayLike<number>).filter(alpha => alpha > 0).length
    assert.ok(
      (await says(/of what is shown end past/)).includes(`On train ${((100 * over) / 24).toFixed(0)} %`),
    )
    // Without momentum all of it is the batch's gradient.
    assert.match(await says(/^From iteration 0 to 24 .* by batch gradient/), /\(100 %\)\.$/)
    await says(/^LCA on train of 10 classes in 24 iterations/)
    await says(/^How many of [\d,]+ allocations/)
    await says(/^Peaks, moments in which/)
    await assertWell()
  })

  test('the list is searched and sorted by the server, as its address says, and names are text', async () => {
    // Posted, and cancelled before the worker comes to them.
    const others = [`${hostile}</a>`, 'quiet'].map((name, n) =>
      ledger.submit({
        ...spec,
        name,
        tags: { '<b>k</b>': hostile },
        training: { ...spec.training, seed: n },
      }),
    )
    for (const { id } of await Promise.all(others)) await ledger.cancel(id)
    const page = await visit('#/experiments', 'Experiments')
    const rows = page.locator('tbody tr[aria-rowindex]')
    await rows.nth(2).waitFor()
    assert.equal(await rows.count(), 3)
    assert.equal(await page.locator('tbody img, tbody b').count(), 0)
    await page.getByRole('status').getByText('3 experiments', { exact: true }).waitFor()
    await page.getByText(`${hostile}</a>`).waitFor()
    await assertWell()

    await page.getByLabel('Search experiments').fill('tags.study = pages and trainLoss < 3')
    await page.getByRole('link', { name: spec.name }).waitFor()
    await rows.nth(1).waitFor({ state: 'detached' })
    await page.getByRole('status').getByText('1 experiment that matches', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Val. loss' }).click()
    await page.locator('th[aria-sort=descending]').waitFor()
    const query = new URLSearchParams(new URL(page.url()).hash.split('?')[1])
    assert.deepEqual(Object.fromEntries(query), {
      q: 'tags.study = pages and trainLoss < 3',
      sort: '-validationLoss',
    })
    // A link to this view shows this view.
    await page.reload()
    await page.locator('th[aria-sort=descending]').waitFor()
    assert.equal(await rows.count(), 1)

    await visit('#/experiments?column=name&column=spec.training.seed&group=dataset&q=quiet', 'Experiments')
    await page.getByRole('rowheader', { name: 'synthetic-digits' }).waitFor()
    await page.getByRole('cell', { name: '1', exact: true }).waitFor()

    await page.getByRole('checkbox', { name: 'Select quiet' }).check()
    await page.getByRole('button', { name: 'Tag', exact: true }).click()
    const dialog = page.getByRole('dialog', { name: 'Tag' })
    await dialog.getByLabel('Key').fill('mark')
    await dialog.getByLabel('Value').fill(hostile)
    await dialog.getByRole('button', { name: 'Set it' }).click()
    await visit('#/experiments?q=quiet&column=tags.mark', 'Experiments')
    await page.getByRole('cell', { name: hostile }).waitFor()

    await page.getByRole('checkbox', { name: 'Select all' }).check()
    await page.getByRole('button', { name: 'Delete' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
    await page.getByText('There are none that this is true of.').waitFor()
    assert.deepEqual(opened.complaints, [])
  })

  test('a new experiment is previewed as it is typed, with what is wrong at its field', async () => {
    const page = await visit(`#/new?from=${id}`, 'New experiment')
    await page.getByText('7,960').first().waitFor()
    const batch = page.getByLabel('batchSize')
    assert.equal(await batch.inputValue(), '50')
    await batch.fill('5000')
    const error = page.locator('#field-training-batchSize-error')
    await error.waitFor()
    assert.match((await error.textContent())!, /must be ≤ dataset.trainExamples \(400\)/)
    assert.equal(await batch.getAttribute('aria-invalid'), 'true')
    await batch.fill('40')
    await error.waitFor({ state: 'detached' })
    await page.getByLabel('hidden').fill('[7, 5]')
    await page.getByRole('cell', { name: 'fc_3' }).waitFor()
    await assertWell()
    // The same as JSON, where what is no JSON is said.
    await page.getByRole('button', { name: 'JSON' }).click()
    const json = page.getByLabel('Spec, as JSON')
    const made = JSON.parse(await json.inputValue())
    assert.deepEqual([made.training.batchSize, made.architecture.hidden], [40, [7, 5]])
    await json.fill('{')
    await page.getByRole('alert').getByText('This is not JSON').waitFor()
    await json.fill(
      JSON.stringify({ ...made, name: 'made here', keep: [], training: { ...made.training, iterations: 2 } }),
    )
    await page.getByRole('cell', { name: 'fc_3' }).waitFor()
    await page.getByRole('button', { name: 'Run it' }).click()
    await page.getByRole('heading', { level: 1, name: 'made here' }).waitFor()
    const [posted] = await ledgerOf('made here')
    assert.deepEqual((await ledger.get(posted.id)).spec.architecture, { name: 'fc', hidden: [7, 5] })
    await page.locator('.status.succeeded').waitFor({ timeout: 60_000 })
    assert.deepEqual(opened.complaints, [])
  })
  async function ledgerOf(name: string) {
    const found: ExperimentListItem[] = []
    for await (const item of ledger.list({ where: `name = ${JSON.stringify(name)}` })) found.push(item)
    return found
  }

  test('two experiments are compared, in what their specs differ too', async () => {
    const [other] = await ledgerOf('made here')
    const page = await visit(`#/compare?id=${id}&id=${other.id}`, 'Compare')
    await page.getByRole('img', { name: /The train loss ends at/ }).waitFor()
    const row = page.getByRole('row', { name: /architecture.hidden/ })
    assert.deepEqual(await row.getByRole('cell').allTextContents(), ['[10]', '[7,5]'])
    await assertWell()
    await visit(`#/overlay?id=${id}&id=${other.id}`, 'Overlay')
    await page.getByRole('img', { name: /^The train loss of 2 experiments ends between/ }).waitFor()
    // Means over runs, of which one is as short as two iterations: by a tag of both, and by a field in which they differ.
    await page.getByLabel('Group by').selectOption('tags.study')
    const means = page.getByRole('img', { name: /^The mean train loss of 2 runs in 1 group, in the end/ })
    await means.waitFor()
    assert.match(page.url(), /group=tags\.study/)
    assert.match(
      (await means.getAttribute('aria-label'))!,
      /study pages\u2069: \d.*, n = 1 of 2 runs\. .*n is smaller there.*study pages\u2069: 2 from iteration 0, 1 from iteration 3 on\.$/,
    )
    await page.locator('.key').getByText('study pages\u2069, n = 2').waitFor()
    const [csv, svg] = ['CSV', 'SVG'].map(kind =>
      page.getByRole('button', { name: `${kind} of train loss, means over runs` }),
    )
    const savedBy = async (button: typeof csv) => {
      const [saved] = await Promise.all([page.waitForEvent('download'), button.click()])
      return readFileSync(await saved.path(), 'utf8')
    }
    const lines = (await savedBy(csv))
      .trim()
      .split('\n')
      .map(line => line.split(','))
    assert.deepEqual(lines[0], ['group', 'iteration', 'iterations', 'n', 'mean', 'lower', 'upper'])
    const losses = await Promise.all([id, other.id].map(one => ledger.iterations(one, { split: 'train' })))
    // Before every iteration, and after the last.
    const [a, b] = losses.map(({ columns }) => [...columns.loss, columns.lossAfter.at(-1)!])
    assert.equal(lines.length, 1 + 24 + 1)
    for (const [t, [name, iteration, , n, mean, lower, upper]] of lines.slice(1).entries()) {
      const half = (12.7062047 * Math.abs(a[t] - b[t])) / 2
      const [middle, ends] = t < 3 ? [(a[t] + b[t]) / 2, '2'] : [a[t], '1']
      assert.deepEqual([name, iteration, n], ['study pages', `${t}`, ends])
      assert.ok(Math.abs(Number(mean) - middle) < 1e-9, `${mean} ${middle}`)
      if (t >= 3) assert.deepEqual([lower, upper], ['', ''])
      else
        assert.ok(
          Math.abs(Number(upper) - middle - half) < 1e-6 && Number(lower) < middle,
          `${upper} ${half}`,
        )
    }
    assert.match(await savedBy(svg), /, n = 2<.*fill-opacity="0.22"/s)
    await assertWell()
    await page.setViewportSize({ width: 380, height: 800 })
    await visit(`#/overlay?id=${id}&id=${other.id}&group=spec.architecture.hidden`, 'Overlay')
    await page.locator('.key').getByText('hidden [7,5]\u2069, n = 1').waitFor()
    await page.getByText('Every group has one run').waitFor()
    assert.ok(((await page.evaluate('document.documentElement.scrollWidth - innerWidth')) as number) <= 0)
    await page.setViewportSize({ width: 1280, height: 800 })
    assert.deepEqual(opened.complaints, [])
  })

  test('what went on from an experiment is asked for where it is shown, and refused at its field', async () => {
    const [other] = await ledgerOf('made here')
    const page = await visit(`#/experiments/${other.id}?tab=log`, 'made here')
    await page.getByRole('button', { name: 'Extend' }).click()
    const count = page.getByLabel('Iterations in all')
    assert.equal(await count.inputValue(), '4')
    await page.getByRole('button', { name: 'Train on' }).click()
    await page.locator('#field-iterations-in-all-error').getByText('$.keep must have weights').waitFor()
    await count.fill('2.5')
    await page.getByRole('button', { name: 'Train on' }).click()
    await page.locator('#field-iterations-in-all-error').getByText('must be an integer from 2').waitFor()
    await assertWell()
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click()
    await page.getByRole('button', { name: 'Branch' }).click()
    await page.getByLabel('From iteration').fill('3')
    await page.locator('#field-from-iteration-error').getByText('must be an integer from 0 to 2').waitFor()
    await page.getByLabel('From iteration').fill('1')
    await page.getByLabel('For so many iterations').fill('5')
    await page.getByRole('button', { name: 'Go on to its spec' }).click()
    // It has not kept its weights.
    await page.locator('#field-training-initial-experiment-error').waitFor()
    assert.equal(await page.getByLabel('name', { exact: true }).first().inputValue(), 'made here from 1')
    assert.equal(await page.getByLabel('iterations', { exact: true }).first().inputValue(), '5')
    await assertWell()
  })

  test('layers lead to variables and units, the spec says what was chosen, artifacts how they are loaded', async () => {
    const page = await visit(`#/experiments/${id}?tab=layers`, spec.name)
    await page.getByRole('link', { name: 'fc_1' }).click()
    await page.getByRole('rowheader', { name: 'fc_1/kernel' }).waitFor()
    await page.getByRole('img', { name: /^10 units, from the one that helped most on train/ }).waitFor()
    await page.getByRole('img', { name: /^LCA on train of 10 units in 24 iterations/ }).waitFor()
    await page.getByRole('spinbutton', { name: 'Unit' }).fill('3')
    await page.getByRole('spinbutton', { name: 'Unit' }).press('Enter')
    const unit = page.getByRole('img', { name: /^From iteration 0 to 24 unit 3 of fc_1/ })
    const { columns } = await ledger.neurons(id, { split: 'train', layer: ['fc_1'] })
    const sum = String(Number(columns.lca[3].toPrecision(3))).replace('-', '−')
    assert.ok((await unit.getAttribute('aria-label'))!.includes(`${sum} on train and`), sum)
    await assertWell()
    await visit(`#/experiments/${id}?tab=spec`, spec.name)
    const chosen = page.locator('pre .set')
    await chosen.first().waitFor()
    const lines = (await chosen.allTextContents()).map(line => line.replace(/[◆\s",]/g, ''))
    assert.ok(lines.includes('batchSize:50') && lines.includes('segmentIterations:8'), lines.join(' '))
    assert.ok(!lines.some(line => /chunkSize|iterations:24|method/.test(line)), lines.join(' '))
    await assertWell()
    await visit(`#/experiments/${id}?tab=artifacts`, spec.name)
    await page.getByText('allocations = np.load("allocations-train.npy", mmap_mode="r")').waitFor()
    const download = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download manifest.json' }).click()
    assert.match(readFileSync(await (await download).path(), 'utf8'), /"fc_1\/kernel"/)
    await assertWell()
    await visit(`#/experiments/${id}?tab=log`, spec.name)
    await page.getByText('the experiment has succeeded').waitFor()
    await page.getByRole('button', { name: 'Edit' }).click()
    await page.getByLabel('Notes', { exact: true }).fill(`${hostile}\n</textarea><script>alert(1)</script>`)
    await page.getByRole('button', { name: 'Another tag' }).click()
    await page.getByLabel('Key of tag 2').fill('seen')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.locator('.notes').getByText('</textarea><script>').waitFor()
    await page.locator('.tag').getByText('seen:').waitFor()
    await assertWell()
  })

  test('a sweep, datasets, an upload, workers', async () => {
    const { id: sweep } = await ledger.submitSweep({
      name: 'swept',
      base: { ...spec, training: { iterations: 3, batchSize: 50 }, allocation: { splits: ['train'] } },
      vary: [{ name: 'baseline' }, { name: hostile, layers: { fc_2: { freeze: true } } }],
      seeds: [1, 2],
    })
    const page = await visit('#/datasets', 'Datasets')
    await page.getByLabel('Name', { exact: true }).fill('lights')
    await page
      .getByLabel('Images (IDX or .npy)', { exact: true })
      .setInputFiles(file('images.idx', idxImages(40)))
    await page.getByLabel('Names of classes').fill('red\namber\ngreen')
    await page.getByLabel('Labels are').selectOption('numbers')
    await page.getByRole('button', { name: 'Upload' }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Labels are').selectOption('')
    await page.getByLabel('Labels (IDX or .npy)').setInputFiles(file('labels.npy', npyLabels(40)))
    await page.getByRole('button', { name: 'Upload' }).click()
    await page.getByText('lights: 40 examples of 4 × 4 × 1, 3 classes').waitFor()
    await page.getByRole('button', { name: 'Delete lights' }).waitFor()
    await page.getByRole('link', { name: 'lights' }).click()
    await page.getByRole('img', { name: 'example 0, class red' }).waitFor()
    await page.getByText('40 examples, by class').waitFor()
    await assertWell()
    await visit('#/workers', 'Workers and queue')
    await page.getByRole('row', { name: /native|wasm/ }).waitFor()
    await assertWell()
    // By the API first, which tells a run that does not succeed from a page that does not say so.
    await ledger
      .waitForSweep(sweep, { interval: 250, signal: AbortSignal.timeout(60_000) })
      .then(({ counts }) => assert.equal(counts.succeeded, 4))
      .catch(async reason => {
        const runs = []
        for await (const { status, progress, attempts, error } of ledger.list({ sweep }))
          runs.push({ status, progress, attempts, error })
        assert.fail(`${reason}: ${JSON.stringify(runs)}`)
      })
    await visit(`#/sweeps/${sweep}`, 'swept')
    await page.getByText('4 experiments: 4 succeeded').waitFor()
    await page.getByRole('img', { name: /^Of \d differences from/ }).waitFor()
    await assertWell()
    await visit('#/sweeps', 'Sweeps')
    await page.getByRole('link', { name: 'swept' }).waitFor()
    await assertWell()
  })

  test('a page that looks again and again shows what it is told, however long the answers take', async () => {
    const { value: swept } = await ledger.listSweeps().next()
    const { page } = await openPage(browser)
    // Its clock stands still but for what is run of it.
    await page.clock.install()
    let release = () => {}
    const held = new Promise<void>(resolve => {
      release = resolve
    })
    let asked = 0
    await page.route(`**/v1/sweeps/${swept.id}`, async route => {
      if (++asked > 1) {
        await held
        return route.continue()
      }
      const answer = await route.fetch()
      const running = { succeeded: 3, training: 1 }
      const json = await answer.json()
      await route.fulfill({
        response: answer,
        json: { ...json, finished: false, counts: { ...json.counts, ...running } },
      })
    })
    await page.goto(`${server.url}/#/sweeps/${swept.id}`)
    await page.getByText('4 experiments: 3 succeeded, 1 running').waitFor()
    const again = page.waitForRequest(request => request.url().endsWith(swept.id))
    await page.clock.runFor(3500)
    await again
    // As many looks would be due by now, each of which overtook the one before.
    await page.clock.runFor(10_000)
    assert.equal(asked, 2)
    release()
    await page.getByText('4 experiments: 4 succeeded').waitFor()
    await page.unrouteAll({ behavior: 'ignoreErrors' })
    await page.close()
  })

  test('a report is one file that is alive offline, and whose names run nothing', async () => {
    const experiment = await ledger.get(id)
    const name = `${hostile}</title></script><script>alert(1)</script><!--`
    const report = path.join(directory, 'report.html')
    await writeFile(report, await htmlReport(ledger, { ...experiment, name }, new URL(server.url).host))
    const offline = await openPage(browser)
    const asked: string[] = []
    offline.page.on('request', request => asked.push(request.url()))
    await offline.page.goto(`file://${report}`)
    await offline.page.getByRole('heading', { level: 1, name: name.slice(0, 30) }).waitFor()
    await offline.page
      .getByRole('img', { name: /^From iteration 0 to 24 the train loss changed by.* by fc_1/ })
      .waitFor()
    await offline.page.getByRole('img', { name: /^Changes of the train loss by parts/ }).waitFor()
    await offline.page.getByRole('button', { name: 'validation' }).click()
    await offline.page.getByRole('img', { name: /^LCA on validation of 2 layers/ }).waitFor()
    const saved = offline.page.waitForEvent('download')
    await offline.page.getByRole('button', { name: 'SVG of LCA of every layer over time' }).click()
    const svg = readFileSync(await (await saved).path(), 'utf8')
    assert.match(svg, /<title>LCA of every layer over time<\/title><desc>LCA on validation of 2 layers/)
    assert.match(svg, /<image href="data:image\/png;base64,[^"]+" width="24" height="2"/)
    await assertWell(offline)
    assert.deepEqual(asked, [`file://${report}`])
    await offline.page.close()
  })

  test('a report as SVG has a figure of every diagnostic that was recorded', async () => {
    const figures = await experimentReport(ledger, await ledger.get(id))
    const kinds = ['alpha', 'tails', 'components', 'classes', 'counterfactuals', 'peaks']
    for (const kind of kinds)
      for (const split of ['train', 'validation']) {
        const svg = figures[`${kind}-${split}`]
        assert.match(svg, /^<svg [^>]*>.*<\/svg>\n$/s)
        assert.doesNotMatch(svg, /NaN|undefined|Infinity/)
      }
    assert.match(figures['components-train'], />batch gradient<.*>−[\d.]+ · 100 %</s)
    assert.match(figures['counterfactuals-train'], />helpers alone<.*>hurters alone<.*>random alone</s)
    // Nothing else was asked for, and nothing is drawn of it.
    assert.equal(Object.keys(figures).length, 2 * kinds.length + 5)
  })

  test('narrow windows show all of it without scrolling sideways', async () => {
    const narrow = await openPage(browser, { viewport: { width: 380, height: 800 } })
    for (const [address, title] of [
      ['#/experiments', 'Experiments'],
      [`#/experiments/${id}`, spec.name],
      [`#/experiments/${id}?tab=artifacts`, spec.name],
      [`#/experiments/${id}?tab=findings`, spec.name],
      ['#/new', 'New experiment'],
    ]) {
      await visit(address, title, narrow)
      await narrow.page.waitForLoadState('networkidle')
      const over = await narrow.page.evaluate('document.documentElement.scrollWidth - innerWidth')
      assert.ok((over as number) <= 0, `${address} is ${over} pixels wider than the window`)
    }
    assert.deepEqual(narrow.complaints, [])
    await narrow.page.close()
  })
})
