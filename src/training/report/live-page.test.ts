import { get } from 'node:http'
import { describe, expect, it } from 'vitest'
import { LivePage, type LiveState } from './live-page.ts'

const STATE: LiveState = {
  title: 'Teaching <shelf>: cup, jar',
  step: 30,
  steps: 120,
  seconds: 20,
  secondsLeft: 60,
  history: { rounds: [], validations: [{ step: 30, ap: 0.4, ap50: 0.7 }], seconds: 20 },
  evaluation: undefined,
}

const ask = (url: string) => fetch(url, { signal: AbortSignal.timeout(10_000) })

/** `fetch` sets this header itself. */
const statusFor = (url: string, host: string) =>
  new Promise<number | undefined>((resolve, reject) => {
    get(url, { headers: { host } }, ({ statusCode }) => resolve(statusCode)).on('error', reject)
  })

describe('the page of a run', () => {
  it('shows how far it is, and asks again by itself', async () => {
    const page = await LivePage.open(0)
    expect(await (await ask(page.url)).text()).toContain('Reading pictures')
    page.tell(STATE)
    const response = await ask(page.url)
    expect(response.headers.get('refresh')).toBe('3')
    const text = await response.text()
    for (const shown of ['25 %', 'step 30 of 120', '20 s', '60 s left', '0.700', '0.400', '&lt;shelf&gt;']) {
      expect(text).toContain(shown)
    }
    await page.close('')
  })

  it('answers no name but its own, so that a page elsewhere cannot read it', async () => {
    const page = await LivePage.open(0)
    expect(await statusFor(page.url, 'evil.example')).toBe(403)
    await page.close('')
    await expect(ask(page.url)).rejects.toThrow()
  })

  it('shows the last words to a browser that is open, and then ends', async () => {
    const page = await LivePage.open(0)
    page.tell(STATE)
    await (await ask(page.url)).text()
    const closed = page.close('The report is shelf.report.html.')
    const last = await ask(page.url)
    expect(last.headers.get('refresh')).toBeNull()
    expect(await last.text()).toContain('The report is shelf.report.html.')
    await closed
    await expect(ask(page.url)).rejects.toThrow()
  })
})
