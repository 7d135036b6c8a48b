import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { axeFindings, browserPath, launchBrowser, openPage, sideways } from '../support/browser.ts'
import { startTestService, type TestService } from '../support/service.ts'
import { streetBytes } from '../support/street.ts'

describe.skipIf(browserPath === undefined)('the API to read and try', () => {
  let browser: Browser
  let service: TestService
  beforeAll(async () => {
    service = await startTestService()
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await service?.stop()
  })

  it('has every operation of the document', async () => {
    const { page, faults } = await openPage(browser, `${service.url}/docs`)
    const { paths } = (await (await fetch(`${service.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { operationId: string }>>
    }
    const ids = Object.values(paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    )
    await page.locator('.operation').first().waitFor()
    const shown = await page.evaluate<string[]>(
      "[...document.querySelectorAll('.operation')].map(({ id }) => id)",
    )
    expect(shown.sort()).toEqual(ids.sort())
    expect(faults).toEqual([])
    await page.close()
  })

  it('sends what was filled in and shows the answer', async () => {
    const { page, faults } = await openPage(browser, `${service.url}/docs#detect`)
    const operation = page.locator('#detect')
    await operation.getByLabel('File').setInputFiles({
      name: 'street.png',
      mimeType: 'image/png',
      buffer: Buffer.from(streetBytes),
    })
    await operation.getByLabel('maxDetections', { exact: true }).fill('1')
    await operation.getByRole('button', { name: 'Send' }).click()
    await expect
      .poll(() => operation.locator('.try > [role=status]').textContent(), { timeout: 15_000 })
      .toContain('200')
    expect(await operation.getByRole('region', { name: 'Answer of detect' }).textContent()).toContain(
      '"detections"',
    )
    expect(await operation.getByRole('region', { name: 'curl for detect' }).textContent()).toContain(
      'maxDetections=1',
    )
    expect(faults).toEqual([])
    await page.close()
  })

  it('tells the error of the service, and keeps the page when a person goes back', async () => {
    const { page } = await openPage(browser, service.url)
    await page.getByRole('link', { name: 'API' }).click()
    await page.locator('#getModel > summary').click()
    await page.locator('#getModel').getByLabel('name', { exact: true }).fill('no-such')
    await page.locator('#getModel').getByRole('button', { name: 'Send' }).click()
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('404')
    await page.goBack()
    await expect.poll(() => page.getByText('Drop pictures here').isVisible()).toBe(true)
    await page.close()
  })

  it.each([
    ['light', 1280],
    ['dark', 390],
  ] as const)('leaves axe nothing to say, %s at %i pixels', async (colorScheme, width) => {
    const { page } = await openPage(browser, `${service.url}/docs#submitJob`, { colorScheme, width })
    await page.locator('.operation').first().waitFor()
    expect(await axeFindings(page)).toEqual([])
    expect(await sideways(page)).toBeLessThanOrEqual(0)
    await page.close()
  })
})
