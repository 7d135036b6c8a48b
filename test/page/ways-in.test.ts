import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { axeFindings, browserPath, launchBrowser, openPage } from '../support/browser.ts'
import { corpusBytes, corpusPath, hasCorpus } from '../support/corpus.ts'
import { startTestService, type TestService } from '../support/service.ts'

const BUS = 'images/scenes/bus.jpg'

describe.skipIf(!hasCorpus || browserPath === undefined)('ways into the page', () => {
  let browser: Browser
  let service: TestService
  const pictures = createServer((_request, response) => {
    response.setHeader('content-type', 'image/jpeg').end(corpusBytes(BUS))
  })

  beforeAll(async () => {
    await new Promise<void>((resolve) => pictures.listen(0, '127.0.0.1', resolve))
    service = await startTestService({ urls: 'any' }, 'yolox-nano', corpusPath('models/yolox-nano.onnx'))
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await service?.stop()
    pictures.close()
  })

  const boxes = (page: Page) => page.locator('.box')
  const choose = (page: Page, ...paths: string[]) =>
    page.locator('input[type=file]').setInputFiles(paths.map(corpusPath))
  const sentence = (page: Page) => page.locator('.status')

  it('opens the file dialogue on a click of the drop area', async () => {
    const { page, faults } = await openPage(browser, service.url)
    const opened = page.waitForEvent('filechooser')
    await page.getByText('Drop pictures here').click()
    await (await opened).setFiles(corpusPath(BUS))
    await expect.poll(() => boxes(page).count(), { timeout: 15_000 }).toBeGreaterThan(2)
    expect(faults).toEqual([])
    await page.close()
  })

  it('shows several pictures as a strip, each with its count, and goes from one to the other', async () => {
    const { page } = await openPage(browser, service.url)
    await choose(page, BUS, 'images/scenes/zidane.jpg', 'images/broken/text-named.jpg')
    const strip = page.getByRole('list', { name: 'Pictures' })
    await expect.poll(() => strip.getByRole('button', { name: /^bus.jpg: \d+ objects/ }).count()).toBe(1)
    await strip.getByRole('button', { name: /^zidane.jpg: \d+ objects/ }).click()
    await expect.poll(() => page.locator('.sheet img').getAttribute('alt')).toContain('people')
    await strip.getByRole('button', { name: 'text-named.jpg: error' }).click()
    await expect.poll(() => page.locator('.stage').getByRole('alert').textContent()).toContain('Expected')
    await expect.poll(() => page.getByText('This picture cannot be shown.').count()).toBe(1)
    expect(await axeFindings(page)).toEqual([])
    await strip.getByRole('button', { name: 'Remove text-named.jpg' }).click()
    await expect.poll(() => page.locator('.thumb').count()).toBe(2)
    await page.close()
  })

  it('has the service fetch an address, typed or pasted', async () => {
    const { page, faults } = await openPage(browser, service.url)
    const address = `http://127.0.0.1:${(pictures.address() as AddressInfo).port}/street.jpg`
    await page.getByRole('textbox', { name: 'Address of a picture' }).fill(address)
    await page.getByRole('button', { name: 'Fetch' }).click()
    await expect.poll(() => boxes(page).count(), { timeout: 15_000 }).toBeGreaterThan(2)
    await expect
      .poll(() => page.evaluate<number>("document.querySelector('.sheet img')?.naturalWidth ?? 0"))
      .toBe(810)
    await page.evaluate(`(() => {
      const clipboardData = new DataTransfer()
      clipboardData.setData('text/plain', '${address}?again')
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData }))
    })()`)
    await expect.poll(() => page.locator('.thumb').count()).toBe(2)
    expect(faults).toEqual([])
    await page.close()
  })

  it('says what is wrong with something that is no picture', async () => {
    const { page } = await openPage(browser, service.url)
    const drop = async (script: string) => {
      const dataTransfer = await page.evaluateHandle(
        `(() => { const transfer = new DataTransfer(); ${script}; return transfer })()`,
      )
      await page.dispatchEvent('body', 'drop', { dataTransfer })
    }
    await drop("transfer.items.add(new File(['x'], 'notes.txt', { type: 'text/plain' }))")
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('notes.txt is not a picture')
    await drop("transfer.setData('text/plain', 'hello')")
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('no address')
    await page.close()
  })

  it('shows what the camera sees with boxes, and how many pictures a second', async () => {
    const { page, faults } = await openPage(browser, service.url)
    await page.getByRole('button', { name: 'Camera' }).click()
    await expect
      .poll(() => page.getByLabel('Pictures per second').textContent(), { timeout: 15_000 })
      .toMatch(/^\d+\.\d pictures\/s$/)
    await expect.poll(() => sentence(page).textContent()).toMatch(/object/)
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('button', { name: 'Go on' }).click()
    expect(await axeFindings(page)).toEqual([])
    await page.getByRole('button', { name: 'Close the camera' }).click()
    expect(faults).toEqual([])
    await page.close()
  })
})
