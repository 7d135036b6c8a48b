import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { axeFindings, browserPath, launchBrowser, openPage, sideways } from '../support/browser.ts'
import { corpusPath, hasCorpus } from '../support/corpus.ts'
import { startTestService, type TestService } from '../support/service.ts'

const BUS = 'images/scenes/bus.jpg'

interface Rect {
  x: number
  y: number
  width: number
  height: number
}

const overlap = (a: Rect, b: Rect): number =>
  Math.max(0, Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)) *
  Math.max(0, Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y))

describe.skipIf(!hasCorpus || browserPath === undefined)('looking at a result', () => {
  let browser: Browser
  let service: TestService

  beforeAll(async () => {
    service = await startTestService({
      pool: {
        models: [
          { name: 'yolox-nano', model: corpusPath('models/yolox-nano.onnx'), options: {} },
          { name: 'deimv2-atto', model: corpusPath('models/deimv2-atto-320.onnx'), options: {} },
        ],
        workers: 1,
        threads: 1,
        queue: 100,
        tasksPerWorker: 1,
      },
    })
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await service?.stop()
  })

  const boxes = (page: Page) => page.locator('.box')
  const threshold = (page: Page) => page.getByRole('slider', { name: 'Confidence threshold' })

  async function open(path = BUS, options = {}): Promise<Page> {
    const { page } = await openPage(browser, service.url, options)
    await page.locator('input[type=file]').setInputFiles(corpusPath(path))
    await boxes(page).first().waitFor()
    return page
  }
  const rects = (page: Page, selector: string): Promise<Rect[]> =>
    page.evaluate<Rect[]>(
      `[...document.querySelectorAll('${selector}')].map((element) => element.getBoundingClientRect().toJSON())`,
    )

  it.each([1280, 820, 390])('lays no label on another at %i pixels, in a crowd', async (width) => {
    const page = await open('coco/images/000000005001.jpg', { width })
    await threshold(page).fill('0.05')
    await expect.poll(() => boxes(page).count()).toBeGreaterThan(20)
    await expect.poll(() => page.locator('.tag').count()).toBeGreaterThan(8)
    const tags = await rects(page, '.boxes > .tag')
    const [sheet] = await rects(page, '.sheet img')
    for (const [i, tag] of tags.entries()) {
      expect(overlap(tag, sheet!)).toBeGreaterThan(tag.width * tag.height * 0.98)
      expect(tags.slice(i + 1).filter((other) => overlap(tag, other) > 1)).toEqual([])
    }
    expect(await sideways(page)).toBeLessThanOrEqual(0)
    await page.close()
  })

  it('shows labels on hover alone, or none', async () => {
    const page = await open()
    await page.getByLabel('Labels').selectOption('hover')
    await expect.poll(() => page.locator('.tag').count()).toBe(0)
    await page.locator('.object').first().hover()
    await expect.poll(() => page.locator('.marked .tag').textContent()).toMatch(/^bus \d+ %$/)
    await page.getByLabel('Labels').selectOption('off')
    await page.locator('.object').nth(1).hover()
    await expect.poll(() => page.locator('.marked').count()).toBe(1)
    expect(await page.locator('.tag').count()).toBe(0)
    await page.close()
  })

  it('keeps a box marked that was clicked', async () => {
    const page = await open()
    await page.locator('.object').first().click()
    await page.mouse.move(5, 5)
    await page.getByRole('tab', { name: /Objects/ }).focus()
    await expect.poll(() => page.locator('.marked').count()).toBe(1)
    await page.locator('.object').first().click()
    await page.mouse.move(5, 5)
    await page.getByRole('tab', { name: /Objects/ }).focus()
    await expect.poll(() => page.locator('.marked').count()).toBe(0)
    await page.close()
  })

  it('tells of hidden classes in the next picture and with the next model', async () => {
    const page = await open()
    await page.locator('.chip', { hasText: 'person' }).click()
    await page.locator('input[type=file]').setInputFiles(corpusPath('images/scenes/zidane.jpg'))
    await expect.poll(() => page.locator('.hidden-note').textContent()).toMatch(/\d hidden by class/)
    await expect.poll(() => page.getByRole('status').first().textContent()).toContain('hidden by class')
    await page.getByRole('button', { name: 'Show all' }).click()
    await expect.poll(() => boxes(page).and(page.locator('[data-label=person]')).count()).toBeGreaterThan(1)
    await page.close()
  })

  it('asks again with other options', async () => {
    const page = await open('coco/images/000000005001.jpg')
    await page.getByText('More options').click()
    const asked = page.waitForRequest((request) => request.url().includes('maxDetections=2'))
    await page.getByLabel('Maximum detections').fill('2')
    await asked
    await expect.poll(() => boxes(page).count()).toBe(2)
    const sliced = page.waitForRequest((request) => request.url().includes('slice=true'))
    await page.getByLabel('Slicing').check()
    expect((await sliced).url()).toContain('maxDetections=2')
    const overlapping = page.waitForRequest((request) => request.url().includes('iou=0.9'))
    await page.getByLabel('IoU threshold').fill('0.9')
    await overlapping
    await page.getByRole('tab', { name: 'Code' }).click()
    await expect
      .poll(() => page.getByRole('tabpanel').textContent())
      .toContain('iou=0.9&maxDetections=2&slice=true'.split('&')[0])
    await page.close()
  })

  it('zooms about the pointer and pans by dragging', async () => {
    const page = await open()
    const [before] = await rects(page, '.sheet img')
    const at = { x: before!.x + before!.width * 0.75, y: before!.y + before!.height * 0.25 }
    await page.mouse.move(at.x, at.y)
    await page.keyboard.down('Control')
    await page.mouse.wheel(0, -400)
    await page.keyboard.up('Control')
    await expect
      .poll(async () => (await rects(page, '.sheet img'))[0]!.width)
      .toBeGreaterThan(before!.width * 2)
    const [zoomed] = await rects(page, '.sheet img')
    expect((at.x - zoomed!.x) / zoomed!.width).toBeCloseTo(0.75, 1)
    expect((at.y - zoomed!.y) / zoomed!.height).toBeCloseTo(0.25, 1)
    await page.mouse.down()
    await page.mouse.move(at.x - 60, at.y + 30, { steps: 4 })
    await page.mouse.up()
    const [moved] = await rects(page, '.sheet img')
    expect(moved!.x - zoomed!.x).toBeCloseTo(-60, -1)
    expect(moved!.y - zoomed!.y).toBeCloseTo(30, -1)
    await page.close()
  })

  it('saves the drawn picture and the answer', async () => {
    const page = await open()
    const files: Buffer[] = []
    for (const [button, name] of [
      ['Save picture', 'bus.boxes.jpg'],
      ['Save JSON', 'bus.json'],
    ] as const) {
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: button }).click(),
      ])
      expect(download.suggestedFilename()).toBe(name)
      files.push(await readFile(await download.path()))
    }
    expect(files[0]!.subarray(0, 2)).toEqual(Buffer.from([0xff, 0xd8]))
    expect(JSON.parse(files[1]!.toString())).toHaveProperty('images.0.detections')
    await page.close()
  })

  it('puts two models side by side, with a threshold each', async () => {
    const page = await open()
    await page.getByRole('combobox', { name: 'Beside' }).selectOption('deimv2-atto')
    await expect.poll(() => page.locator('.stage').count()).toBe(2)
    await expect.poll(() => page.locator('.stage').nth(1).locator('.box').count()).toBeGreaterThan(0)
    const first = await page.locator('.stage').nth(0).locator('.box').count()
    await page.getByRole('slider', { name: 'deimv2-atto' }).fill('0.99')
    await expect.poll(() => page.locator('.stage').nth(1).locator('.box').count()).toBe(0)
    expect(await page.locator('.stage').nth(0).locator('.box').count()).toBe(first)
    expect(await axeFindings(page)).toEqual([])
    await page.close()
  })

  it.each([
    ['yolox-nano', 'DetectLabelsCommand', 'detect-labels'],
    ['deimv2-atto', 'project/deimv2-atto/version', 'detect-custom-labels'],
  ])('names the model %s in every piece of code', async (model, sdk, cli) => {
    const page = await open()
    await page.getByRole('combobox', { name: 'Model' }).selectOption(model)
    await page.getByRole('tab', { name: 'Code' }).click()
    const code = async (title: string) =>
      (await page.getByRole('region', { name: title }).textContent()) ?? ''
    for (const title of ['curl', 'Node.js', 'Browser', 'Python']) {
      await expect.poll(() => code(title)).toContain(`model=${model}`)
    }
    expect(await code('AWS SDK for JavaScript')).toContain(sdk)
    expect(await code('AWS CLI')).toContain(cli)
    await page.close()
  })

  it.each([
    ['light', 1280],
    ['dark', 390],
  ] as const)('leaves axe nothing to say, %s at %i pixels', async (colorScheme, width) => {
    const page = await open(BUS, { width, colorScheme })
    await page.getByText('More options').click()
    for (const tab of colorScheme === 'light' ? ['JSON', 'Code', 'Model'] : [/Objects/]) {
      await page.getByRole('tab', { name: tab }).click()
      expect(await axeFindings(page)).toEqual([])
    }
    await page.close()
  })
})
