import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parsePolicy } from '../../src/jobs/rules.ts'
import { type LocalHome, openHome } from '../../src/local/home.ts'
import { axeFindings, browserPath, launchBrowser, openPage, shoot, sideways } from '../support/browser.ts'
import { dogModel, ended, jpeg } from '../support/jobs.ts'
import { startTestService, type TestService } from '../support/service.ts'

/** Results in a store, of which the page must draw a screen. */
const MANY = 100_000

describe.skipIf(browserPath === undefined)('the gallery of jobs', () => {
  let browser: Browser
  let service: TestService
  let folder: string
  let home: LocalHome

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-gallery-'))
    const model = join(folder, 'dogs.onnx')
    await writeFile(model, dogModel())
    service = await startTestService(
      {
        jobs: {
          open: async () => {
            home = await openHome(join(folder, 'store'))
            return home
          },
          policy: parsePolicy('review: [{ label: dog, minScore: 0.6, minCount: 2 }]'),
        },
      },
      'dogs',
      model,
    )
    browser = await launchBrowser()
    await submit(3, 'kennel')
  })
  afterAll(async () => {
    await browser?.close()
    await service?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  async function submit(count: number, batch: string): Promise<string> {
    const form = new FormData()
    for (let i = 0; i < count; i++) {
      form.append('image', new Blob([new Uint8Array(await jpeg(i))]), `${batch}-${i}.jpg`)
    }
    const answer = await fetch(`${service.url}/v1/jobs?batch=${batch}`, { method: 'POST', body: form })
    const { id } = (await answer.json()) as { id: string }
    await ended(home, id)
    return id
  }
  const open = async (options = {}) => {
    const opened = await openPage(browser, `${service.url}/gallery`, options)
    await opened.page.locator('.tile').first().waitFor()
    return opened
  }
  const tiles = (page: Page) => page.locator('.tile')

  it('shows thumbnails with their boxes, and one picture large with its sentence to copy', async () => {
    const { page, faults } = await open()
    await expect.poll(() => tiles(page).count()).toBe(3)
    await expect.poll(() => page.locator('.tile .shot img').count(), { timeout: 15_000 }).toBe(3)
    expect(await page.locator('.tile').first().locator('.shot rect').count()).toBe(3)
    expect(await axeFindings(page)).toEqual([])
    await page
      .getByRole('button', { name: /^Open kennel/ })
      .first()
      .click()
    await page.getByRole('button', { name: 'Copy Alternative text' }).click()
    expect(await page.evaluate('navigator.clipboard.readText()')).toContain('two dogs')
    expect(await axeFindings(page)).toEqual([])
    await shoot(page, 'gallery-large')
    await page.keyboard.press('Escape')
    await expect.poll(() => page.getByRole('dialog').count()).toBe(0)
    expect(faults).toEqual([])
    await page.close()
  })

  it('filters by label, score, state and time', async () => {
    const { page } = await open()
    const count = () => tiles(page).count()
    const choose = async (field: string, value: string) => {
      await page.locator('.filter-bar').getByLabel(field).selectOption(value)
    }
    await page.getByLabel('Label').fill('horse')
    await page.getByLabel('Label').press('Enter')
    await expect.poll(count).toBe(0)
    await page.getByLabel('Label').fill('cat')
    await page.getByLabel('Label').press('Enter')
    await expect.poll(count).toBe(3)
    await choose('Score from', '0.5')
    await expect.poll(count).toBe(0)
    await choose('Score from', '0.3')
    await expect.poll(count).toBe(3)
    await page.getByLabel('Until').fill('2020-01-01')
    await page.getByLabel('Until').blur()
    await expect.poll(count).toBe(0)
    await page.locator('.job', { hasText: 'kennel' }).click()
    await expect.poll(count).toBe(3)
    await choose('Pictures', 'failed')
    await expect.poll(count).toBe(0)
    await page.close()
  })

  it('follows a job while it runs', async () => {
    const { page } = await open()
    // Nothing is loaded anew: new jobs are looked for, and their progress comes as events.
    await submit(4, 'later')
    await expect
      .poll(() => page.locator('.job', { hasText: 'later' }).textContent(), { timeout: 15_000 })
      .toContain('4 of 4')
    await page.close()
  })

  it('empties the moderation queue by approving and rejecting', async () => {
    const { page } = await open()
    await page.getByRole('button', { name: 'Moderation queue' }).click()
    await expect.poll(() => tiles(page).count()).toBeGreaterThanOrEqual(3)
    const name = await page.locator('.tile-name').first().textContent()
    await page.getByRole('button', { name: `Approve ${name}` }).click()
    await expect
      .poll(() => page.getByRole('button', { name: `Approve ${name}` }).getAttribute('aria-pressed'))
      .toBe('true')
    await page.locator('.tile .open').nth(1).click()
    await page.keyboard.press('r')
    await expect
      .poll(() =>
        page
          .getByRole('dialog')
          .getByRole('button', { name: /^Reject/ })
          .getAttribute('aria-pressed'),
      )
      .toBe('true')
    const found = async (review: string) =>
      ((await (await fetch(`${service.url}/v1/search?review=${review}`)).json()) as { pictures: unknown[] })
        .pictures.length
    expect([await found('approved'), await found('rejected')]).toEqual([1, 1])
    await page.close()
  })

  it.each([820, 390])('fits a screen of %i pixels', async (width) => {
    const { page } = await open({ width, colorScheme: 'dark' })
    expect(await sideways(page)).toBeLessThanOrEqual(0)
    expect(await axeFindings(page)).toEqual([])
    await page.close()
  })

  it('draws a screen of a hundred thousand results, however far a person scrolls', async () => {
    const first = await home.store.list('local', { limit: 1 })
    home.file.run(
      `INSERT INTO pictures (job, n, tenant, name, source, state, sent, attempts, finished, found)
       WITH RECURSIVE numbers (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM numbers WHERE i < ${MANY})
       SELECT p.job, 1000 + i, p.tenant, 'many-' || i || '.jpg', p.source, p.state, 1, 1, p.finished - i, p.found
       FROM numbers, (SELECT * FROM pictures WHERE job = (SELECT seq FROM jobs WHERE id = ?) AND n = 0) p`,
      first.items[0]!.id,
    )
    const { page, faults } = await open()
    for (let i = 0; i < 12; i++) {
      await page.evaluate('scrollTo(0, document.body.scrollHeight)')
      await page.waitForTimeout(100)
    }
    await expect
      .poll(async () => Number.parseInt((await page.locator('.shots .status').textContent()) ?? '', 10))
      .toBeGreaterThan(1000)
    await expect.poll(() => tiles(page).count()).toBeGreaterThan(5)
    expect(await tiles(page).count()).toBeLessThan(60)
    const isSeen = await page.evaluate<boolean>(
      "[...document.querySelectorAll('.tile')].some((tile) => { const { top, bottom } = tile.getBoundingClientRect(); return top < innerHeight && bottom > 0 })",
    )
    expect(isSeen).toBe(true)
    expect(faults).toEqual([])
    await page.close()
  })
})
