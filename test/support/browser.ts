import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

/** A browser of the machine: none is downloaded for a test. */
export const browserPath = [
  process.env.BOXLET_TEST_CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path))

/** A camera that shows a test card stands in for one that is not there. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({
    ...(browserPath && { executablePath: browserPath }),
    args: ['--no-sandbox', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'],
  })

export interface Opened {
  page: Page
  /** Errors of the page and requests to other hosts; the answers that a test asks for are told apart by its end. */
  faults: string[]
}

/** Opens a page of a service; what it complains of or asks elsewhere is kept. */
export async function openPage(
  browser: Browser,
  url: string,
  { width = 1280, ...options }: BrowserContextOptions & { width?: number } = {},
): Promise<Opened> {
  const { origin } = new URL(url)
  const page = await browser.newPage({
    viewport: { width, height: 860 },
    permissions: ['camera', 'clipboard-read', 'clipboard-write'],
    baseURL: origin,
    ...options,
  })
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => message.type() === 'error' && faults.push(message.text()))
  page.on('request', (request) => {
    if (!/^(blob|data):/.test(request.url()) && new URL(request.url()).origin !== origin) {
      faults.push(`asked ${request.url()}`)
    }
  })
  await page.goto(url)
  return { page, faults }
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe finds wrong with the page as it is now: rule and place. */
export async function axeFindings(page: Page): Promise<string[]> {
  // Past the page's policy, which lets no inline script run.
  const session = await page.context().newCDPSession(page)
  await session.send('Runtime.evaluate', { expression: AXE })
  await session.detach()
  const { violations } = await page.evaluate<{
    violations: { id: string; nodes: { target: string[]; failureSummary: string }[] }[]
  }>('axe.run()')
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(' ')}: ${failureSummary}`),
  )
}

/** Pictures of the page go to a folder when a person wants to look at them. */
export async function shoot(page: Page, name: string): Promise<void> {
  const folder = process.env.BOXLET_TEST_SCREENSHOTS
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true })
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true })
  }
}

/** Pixels by which the page is wider than the screen. */
export const sideways = (page: Page): Promise<number> =>
  page.evaluate<number>('document.documentElement.scrollWidth - document.documentElement.clientWidth')
