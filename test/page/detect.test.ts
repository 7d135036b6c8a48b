import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createBearerKey } from '../../src/api/auth/create-key.ts'
import { changeKeys } from '../../src/server/key-file.ts'
import { browserPath, launchBrowser, type Opened, openPage, shoot, sideways } from '../support/browser.ts'
import { corpusBytes, corpusPath, hasCorpus } from '../support/corpus.ts'
import { startTestService, type TestService } from '../support/service.ts'

describe.skipIf(!hasCorpus || browserPath === undefined)('the playground in Chromium', () => {
  let browser: Browser
  let service: TestService

  beforeAll(async () => {
    service = await startTestService({}, 'yolox-nano', corpusPath('models/yolox-nano.onnx'))
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await service?.stop()
  })

  async function open(options: BrowserContextOptions & { width?: number } = {}): Promise<Opened> {
    const opened = await openPage(browser, service.url, options)
    await opened.page.getByRole('button', { name: 'Choose a picture' }).waitFor()
    return opened
  }

  const boxes = (page: Page) => page.locator('.box')

  async function choose(page: Page, path: string): Promise<void> {
    await page.locator('input[type=file]').setInputFiles(corpusPath(path))
  }

  /** What the service itself finds at the threshold that the page starts with. */
  async function expected(path: string, query = ''): Promise<{ label: string; score: number }[]> {
    const answer = await fetch(`${service.url}/v1/detect${query}`, {
      method: 'POST',
      body: corpusBytes(path) as Uint8Array<ArrayBuffer>,
    })
    const { images } = (await answer.json()) as {
      images: [{ detections: { label: string; score: number }[] }]
    }
    return images[0].detections
  }

  it('shows as many boxes for a dropped picture as the service finds', async () => {
    const { page, faults } = await open()
    const bytes = Buffer.from(corpusBytes('images/scenes/bus.jpg')).toString('base64')
    // Text, since the types of the page are not those of the test.
    const data = await page.evaluateHandle(`(() => {
      const transfer = new DataTransfer()
      const picture = Uint8Array.from(atob('${bytes}'), (letter) => letter.charCodeAt(0))
      transfer.items.add(new File([picture], 'bus.jpg', { type: 'image/jpeg' }))
      return transfer
    })()`)
    await page.dispatchEvent('body', 'drop', { dataTransfer: data })
    const found = await expected('images/scenes/bus.jpg')
    await expect.poll(() => boxes(page).count(), { timeout: 15_000 }).toBe(found.length)
    expect(found.length).toBeGreaterThan(2)
    await expect
      .poll(() => page.getByRole('status').first().textContent())
      .toContain(`${found.length} objects`)
    await shoot(page, 'light')
    expect(faults).toEqual([])
    await page.close()
  })

  it('puts each box where the service says it is, at any zoom', async () => {
    const { page } = await open()
    await choose(page, 'images/scenes/bus.jpg')
    await boxes(page).first().waitFor()
    for (const zoom of [1, 2]) {
      if (zoom === 2) {
        for (let i = 0; i < 3; i++) {
          await page.getByRole('button', { name: 'Zoom in' }).click()
        }
      }
      const image = (await page.locator('.sheet img').boundingBox()) as {
        x: number
        y: number
        width: number
        height: number
      }
      const bus = (await page.locator('.box[data-label=bus]').boundingBox()) as typeof image
      const scale = image.width / 810
      expect((bus.x - image.x) / scale).toBeCloseTo(13.6, -1)
      expect((bus.y - image.y) / scale).toBeCloseTo(232, -1)
      expect(bus.width / scale).toBeCloseTo(784, -1.3)
    }
    await shoot(page, 'zoomed')
    await page.close()
  })

  it('filters by score and class without asking the service again', async () => {
    const { page } = await open()
    await choose(page, 'images/scenes/bus.jpg')
    await boxes(page).first().waitFor()
    let requests = 0
    page.on('request', () => requests++)
    await page.getByRole('slider').fill('0.84')
    const strong = (await expected('images/scenes/bus.jpg')).filter(({ score }) => score >= 0.84)
    await expect.poll(() => boxes(page).count()).toBe(strong.length)
    await page.getByRole('button', { name: 'bus 1', exact: true }).click()
    await expect.poll(() => boxes(page).count()).toBe(strong.filter(({ label }) => label !== 'bus').length)
    expect(requests).toBe(0)
    await page.close()
  })

  it('shows more when the slider goes down', async () => {
    const { page } = await open()
    await choose(page, 'images/scenes/bus.jpg')
    await boxes(page).first().waitFor()
    await page.getByRole('slider').fill('0.05')
    const all = await expected('images/scenes/bus.jpg', '?minScore=0.05')
    await expect.poll(() => boxes(page).count()).toBe(all.length)
    await page.close()
  })

  it('says in the alternative text what is shown, at any threshold and with any classes', async () => {
    const { page } = await open()
    await choose(page, 'images/scenes/bus.jpg')
    await boxes(page).first().waitFor()
    const alt = () => page.locator('.sheet img').getAttribute('alt')
    const sentence = async (query: string) => {
      const answer = await fetch(`${service.url}/v1/detect?${query}`, {
        method: 'POST',
        body: corpusBytes('images/scenes/bus.jpg') as Uint8Array<ArrayBuffer>,
        headers: { accept: 'text/plain' },
      })
      return (await answer.text()).trim()
    }
    const told = new Set<string>()
    for (const threshold of ['0.05', '0.84', '1']) {
      await page.getByRole('slider').fill(threshold)
      const expectedText = await sentence(`minScore=${threshold}`)
      await expect.poll(alt).toBe(expectedText)
      told.add(expectedText)
    }
    expect(told.size).toBe(3)
    await page.getByRole('slider').fill('0.5')
    await page.getByRole('button', { name: 'bus 1', exact: true }).click()
    await expect.poll(alt).toBe(await sentence('minScore=0.5&classes=person'))
    await page.close()
  })

  it('puts hidden classes into the code', async () => {
    const { page } = await open()
    await choose(page, 'images/scenes/bus.jpg')
    await boxes(page).first().waitFor()
    await page.getByRole('button', { name: 'bus 1', exact: true }).click()
    const shown = await boxes(page).count()
    await page.getByRole('tab', { name: 'Code' }).click()
    const text = (await page.getByRole('tabpanel').textContent()) ?? ''
    const url = new URL(/"(http[^"]+)"/.exec(text)?.[1] as string)
    expect(url.searchParams.get('classes')?.split(',')).not.toContain('bus')
    expect(await expected('images/scenes/bus.jpg', url.search)).toHaveLength(shown)
    expect(text).toContain('--region us-east-1')
    await page.close()
  })

  it('works with the keyboard alone', async () => {
    const { page } = await open()
    await choose(page, 'images/scenes/bus.jpg')
    await boxes(page).first().waitFor()
    await page.getByRole('tab', { name: /Objects/ }).focus()
    await page.keyboard.press('Tab')
    await expect.poll(() => page.locator('.marked').count()).toBe(1)
    await page.getByRole('tab', { name: /Objects/ }).focus()
    await page.keyboard.press('ArrowRight')
    await expect
      .poll(() => page.getByRole('tab', { name: 'JSON' }).getAttribute('aria-selected'))
      .toBe('true')
    await expect.poll(() => page.getByRole('tabpanel').textContent()).toContain('"detections"')
    await page.keyboard.press('End')
    await expect.poll(() => page.getByRole('tabpanel').textContent()).toContain('SHA-256')
    await page.close()
  })

  it('copies a curl command that works as it stands', async () => {
    const { page } = await open()
    await page.getByRole('tab', { name: 'Code' }).click()
    await page.getByRole('button', { name: 'Copy curl' }).click()
    const text = await page.evaluate<string>('navigator.clipboard.readText()')
    expect(text).toContain(`${service.url}/v1/detect?model=`)
    const url = /"(http[^"]+)"/.exec(text)?.[1] as string
    const body = corpusBytes('images/scenes/bus.jpg') as Uint8Array<ArrayBuffer>
    expect((await fetch(url, { method: 'POST', body })).status).toBe(200)
    await shoot(page, 'code')
    await page.close()
  })

  it('takes a picture from the camera', async () => {
    const { page, faults } = await open()
    await page.getByRole('button', { name: 'Camera' }).click()
    await expect
      .poll(() => page.evaluate<number>("document.querySelector('video')?.videoWidth ?? 0"))
      .toBeGreaterThan(0)
    await page.getByRole('button', { name: 'Take the picture' }).click()
    await expect
      .poll(() => page.getByRole('status').first().textContent(), { timeout: 15_000 })
      .toMatch(/objects?/)
    expect(faults).toEqual([])
    await page.close()
  })

  it('takes a pasted picture', async () => {
    const { page } = await open()
    const bytes = Buffer.from(corpusBytes('images/scenes/bus.jpg')).toString('base64')
    await page.evaluate(`(() => {
      const transfer = new DataTransfer()
      const picture = Uint8Array.from(atob('${bytes}'), (letter) => letter.charCodeAt(0))
      transfer.items.add(new File([picture], 'bus.jpg', { type: 'image/jpeg' }))
      document.dispatchEvent(new ClipboardEvent('paste', { clipboardData: transfer }))
    })()`)
    await expect.poll(() => boxes(page).count(), { timeout: 15_000 }).toBeGreaterThan(2)
    await page.close()
  })

  it('asks for a key where the service does, and goes on with it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'boxlet-page-'))
    const keyFile = join(folder, 'keys.json')
    const { stored, key } = await createBearerKey('test', new Date())
    await changeKeys(keyFile, () => [stored])
    const locked = await startTestService({ requireKeys: true, keyFile })
    const page = await browser.newPage()
    await page.goto(locked.url)
    await page.getByPlaceholder('boxlet_…').fill('boxlet_wrong')
    await page.getByRole('button', { name: 'Use key' }).click()
    await expect.poll(() => page.getByRole('alert').textContent()).toContain('does not know this key')
    await page.getByPlaceholder('boxlet_…').fill(key)
    await page.getByRole('button', { name: 'Use key' }).click()
    await expect.poll(() => page.getByRole('combobox', { name: 'Model' }).inputValue()).toBe('yolox-nano')
    await choose(page, 'images/scenes/bus.jpg')
    await expect.poll(() => boxes(page).count(), { timeout: 15_000 }).toBeGreaterThan(2)
    await page.close()
    await locked.stop()
    await rm(folder, { recursive: true })
  })

  it('draws masks and points where the model gives them', async () => {
    for (const [model, selector] of [
      ['yolov8n-seg-320-int8', '.mask'],
      ['yunet-n-dynamic', '.point'],
    ] as const) {
      const own = await startTestService({}, model, corpusPath(`models/${model}.onnx`))
      const page = await browser.newPage({ viewport: { width: 1100, height: 800 } })
      await page.goto(own.url)
      await choose(page, 'images/scenes/zidane.jpg')
      await expect.poll(() => page.locator(selector).count(), { timeout: 15_000 }).toBeGreaterThan(0)
      await shoot(page, model)
      await page.close()
      await own.stop()
    }
  })

  it('tells in words what is wrong with a damaged picture', async () => {
    const { page } = await open()
    await page
      .locator('input[type=file]')
      .setInputFiles({ name: 'x.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no') })
    await expect.poll(() => page.getByRole('alert').textContent(), { timeout: 15_000 }).toContain('Expected')
    await page.close()
  })

  it('shows a picture that the browser cannot show', async () => {
    const { page } = await open()
    await choose(page, 'images/formats/tiff-lzw-16bit.tiff')
    await expect
      .poll(() => page.evaluate<number>("document.querySelector('.sheet img')?.naturalWidth ?? 0"), {
        timeout: 15_000,
      })
      .toBeGreaterThan(0)
    await page.close()
  })

  it.each([
    ['dark', { colorScheme: 'dark' as const }],
    ['phone', { width: 390 }],
  ])('fits a %s screen without scrolling sideways', async (name, options) => {
    const { page } = await open(options)
    await choose(page, 'images/scenes/bus.jpg')
    await boxes(page).first().waitFor()
    expect(await sideways(page)).toBeLessThanOrEqual(0)
    await shoot(page, name)
    await page.close()
  })
})
