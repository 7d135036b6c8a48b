import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { main } from '../src/cli/main.ts'
import { constantModel, yolov8Head } from './support/onnx-graph.ts'

const executablePath = [process.env.BOXLET_TEST_CHROMIUM, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path !== undefined && existsSync(path),
)
const DATA = resolve(import.meta.dirname, '../examples/pictures')

/** The pages of `eval`, `diff` and `dataset view` in a real browser of the width of a phone. */
describe.skipIf(executablePath === undefined)('report pages on a phone', () => {
  let browser: Browser
  let folder: string
  beforeAll(async () => {
    browser = await chromium.launch({ ...(executablePath && { executablePath }), args: ['--no-sandbox'] })
    folder = await mkdtemp(join(tmpdir(), 'boxlet-pages-'))
    const rows = [[32, 32, 60, 60, 0.9, 0.3, 0.2]]
    await Promise.all(
      ['one', 'two'].map((name, i) =>
        writeFile(
          join(folder, `${name}.onnx`),
          constantModel(
            [{ name: 'images', shape: [1, 3, 64, 64] }],
            [
              {
                name: 'output0',
                shape: [1, 7, 84],
                values: yolov8Head(
                  rows.map((row) => [row[0]! + 40 * i, ...row.slice(1)]),
                  84,
                  7,
                ),
              },
            ],
            { names: "{0: 'cat', 1: 'person', 2: 'a very long name of a class that has to go somewhere'}" },
          ),
        ),
      ),
    )
  })
  afterAll(async () => {
    await browser?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const run = (...args: string[]) =>
    main(args, {
      stdout: new PassThrough().resume(),
      stderr: new PassThrough().resume(),
      stdin: Readable.from([]),
      env: { BOXLET_CACHE: join(folder, 'cache') },
      signal: new AbortController().signal,
    })

  async function look(file: string) {
    const page = await browser.newPage({ viewport: { width: 390, height: 800 } })
    const fetched: string[] = []
    const complaints: string[] = []
    page.on('request', (request) => {
      if (!request.url().startsWith('data:')) {
        fetched.push(request.url())
      }
    })
    page.on('console', (message) => complaints.push(message.text()))
    await page.goto(pathToFileURL(file).href)
    const width = await page.evaluate('document.documentElement.scrollWidth')
    const pictures = await page.locator('svg.picture image').count()
    const plots = await page.locator('.plot svg').count()
    await page.close()
    return { others: fetched.length - 1, complaints, width, pictures, plots }
  }

  const quiet = { others: 0, complaints: [], width: 390 }
  const model = (name: string) => join(folder, `${name}.onnx`)

  it('eval: plots and pictures, nothing fetched, nothing beside the screen', async () => {
    const out = join(folder, 'report')
    expect(await run('eval', model('one'), '--data', DATA, '--out', out)).toBe(0)
    expect(await look(join(out, 'report.html'))).toMatchObject({ ...quiet, pictures: 3, plots: 10 })
  })

  it('eval: pictures by mistake and class, and one at a time large, without a script', async () => {
    const page = await browser.newPage({ viewport: { width: 390, height: 800 }, colorScheme: 'dark' })
    await page.goto(pathToFileURL(join(folder, 'report', 'report.html')).href)
    const choose = (id: string) => page.locator(`label:has(#${id})`).click()
    const boxes = (style: string) => page.locator(`.gallery rect.${style}:visible`).count()
    const pictures = () => page.locator('.gallery figure:visible').count()
    expect(await pictures()).toBe(3)
    const missed = await boxes('missed')
    const wrong = await boxes('false')
    expect([missed > 0, wrong > 0]).toEqual([true, true])
    await choose('show-missed')
    expect([await boxes('missed'), await boxes('false')]).toEqual([missed, 0])
    await choose('show-false')
    expect([await boxes('missed'), await boxes('false')]).toEqual([0, wrong])
    await choose('show-all')
    const label = page.locator('.gallery label:has(input[name=class])').nth(1)
    const mark = (await label.locator('input').getAttribute('id'))!.replace('class-', 'c')
    await label.click()
    expect(await page.locator(`.gallery rect:not(.${mark}):visible`).count()).toBe(0)
    expect(await page.locator(`.gallery rect.${mark}:visible`).count()).toBeGreaterThan(0)
    await choose('class-all')
    await page.locator('.gallery .open').first().click()
    const figure = await page.locator('.gallery figure').first().boundingBox()
    expect(figure).toMatchObject({ x: 0, y: 0, width: 390, height: 800 })
    await page.locator('.gallery figure:target a', { hasText: 'Close' }).click()
    expect((await page.locator('.gallery figure').first().boundingBox())!.height).toBeLessThan(800)
    await page.locator('label:has(#matrix-shares)').click()
    expect([
      await page.locator('.counts:visible').count(),
      await page.locator('.shares:visible').count(),
    ]).toEqual([0, 1])
    await page.close()
  })

  it('eval of two: pictures side by side', async () => {
    const out = join(folder, 'comparison')
    expect(await run('eval', model('one'), model('two'), '--data', DATA, '--out', out)).toBe(0)
    const found = await look(join(out, 'comparison.html'))
    expect(found).toMatchObject(quiet)
    expect(found.pictures).toBeGreaterThanOrEqual(2)
  })

  it('diff and dataset view', async () => {
    const [diff, view] = [join(folder, 'diff.html'), join(folder, 'view.html')]
    expect(await run('diff', model('one'), model('two'), '--images', DATA, '--out', diff)).toBe(0)
    expect(await run('dataset', 'view', DATA, '--out', view)).toBe(0)
    expect(await look(diff)).toMatchObject(quiet)
    expect(await look(view)).toMatchObject({ ...quiet, pictures: 3 })
  })
})
