/** The pages behind a proxy, with keys, in a browser. */
import assert from 'node:assert/strict'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test } from 'node:test'
import { connect } from '../clients/typescript/src/index.ts'
import { createKey } from '../src/store/keys.ts'
import { minimalSpec, startApi } from './support/api.ts'
import { launch, openPage, skipReason } from './support/browser.ts'

describe('the pages behind a proxy, with keys', { skip: skipReason }, () => {
  test('the key is asked for once, stays in the tab, and shows what is its tenant’s alone', async t => {
    const api = await startApi({ LEDGER_AUTH: 'keys' })
    const { port } = api.app.server.address() as AddressInfo
    const proxy = createServer((request, response) => {
      const path = request.url!.replace(/^\/tools\/ledger/, '')
      const on = httpRequest(
        { host: '127.0.0.1', port, path, method: request.method, headers: request.headers },
        answer => {
          response.writeHead(answer.statusCode!, answer.headers)
          answer.pipe(response)
        },
      )
      // The browser may still ask when the API has closed, and go while it waits for an answer.
      on.on('error', () => response.destroy())
      response.on('close', () => on.destroy())
      request.pipe(on)
    })
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
    const base = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}/tools/ledger/`
    const keys: Record<string, string> = {}
    for (const tenant of ['mine', 'theirs']) {
      keys[tenant] = (await createKey(api.db, { name: tenant, tenant, scopes: ['submit'] })).key
      await connect({ url: base, apiKey: keys[tenant] }).submit({
        ...minimalSpec(),
        name: `of ${tenant}`,
      } as never)
    }
    const browser = await launch()
    // Who asks first, then who answers: the API waits for requests that are still under way.
    t.after(async () => {
      await browser.close()
      proxy.close()
      proxy.closeAllConnections()
      await api.close()
    })
    const { page, complaints } = await openPage(browser)
    await page.goto(`${base}#/experiments`)
    const ask = async (key: string) => {
      await page.getByLabel('API key').fill(key)
      await page.getByRole('button', { name: 'Go on' }).click()
    }
    await ask('wrong')
    await page.getByRole('alert').getByText('the key is not valid').waitFor()
    await ask(keys.mine)
    await page.getByRole('link', { name: 'of mine' }).click()
    await page.getByRole('heading', { level: 1, name: 'of mine' }).waitFor()
    await page.getByText('in line').waitFor()
    await page.reload()
    await page.getByRole('heading', { level: 1, name: 'of mine' }).waitFor()
    // Another tab is asked for its own.
    const other = await openPage(browser)
    await other.page.goto(`${base}#/experiments`)
    await other.page.getByLabel('API key').waitFor()
    // With another tenant's key nothing of this one's is left, nor can it be had.
    await page.getByRole('button', { name: 'Forget key' }).click()
    await ask(keys.theirs)
    await page.getByRole('alert').getByText(/404/).waitFor()
    assert.doesNotMatch(await page.content(), /of mine/)
    await page.goto(`${base}#/experiments`)
    await page.getByRole('link', { name: 'of theirs' }).waitFor()
    assert.doesNotMatch(await page.content(), /of mine/)
    assert.deepEqual(
      complaints.filter(text => !text.includes('404')),
      [],
    )
  })
})
