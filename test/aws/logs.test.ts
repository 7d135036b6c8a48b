import { describe, expect, it } from 'vitest'
import { boxlet } from '../support/boxlet.ts'
import { EmulatedLogs, words } from './emulated-logs.ts'
import { motoServer } from './tools.ts'

const MINUTE = 60_000

describe.skipIf(motoServer === undefined)('boxlet logs against moto', () => {
  const emulated = new EmulatedLogs()

  it('shows the lines of all functions and environments in order of time', async () => {
    const now = Date.now()
    await emulated.main.put('a', [
      [now - 5000, 'one'],
      [now - 2000, 'four'],
    ])
    await emulated.main.put('b', [[now - 4000, 'two']])
    await emulated.worker.put('a', [
      [now - 3000, 'three'],
      [now - 1000, 'five'],
    ])
    const { code, out, err } = await boxlet(['logs'])
    expect([code, err]).toEqual([0, ''])
    expect(words(out)).toEqual(['one', 'two', 'three', 'four', 'five'])
    expect(out.split(' ')[0]).toBe(new Date(now - 5000).toISOString())
  })

  it('goes back ten minutes, or as far as --since says', async () => {
    const now = Date.now()
    await emulated.main.put('a', [
      [now - 90 * MINUTE, 'old'],
      [now - 20 * MINUTE, 'middle'],
      [now - MINUTE, 'new'],
    ])
    expect(words((await boxlet(['logs'])).out)).toEqual(['new'])
    expect(words((await boxlet(['logs', '--since', '1h'])).out)).toEqual(['middle', 'new'])
    const date = new Date(now - 100 * MINUTE).toISOString()
    expect(words((await boxlet(['logs', '--since', date])).out)).toEqual(['old', 'middle', 'new'])
  })

  it('shows what the filter lets through', async () => {
    const now = Date.now()
    await emulated.main.put('a', [
      [now - 3000, '{"level":"INFO","message":"request","status":200}'],
      [now - 2000, '{"level":"ERROR","message":"request","status":503}'],
    ])
    await emulated.worker.put('a', [[now - 1000, 'ERROR worker']])
    const { out } = await boxlet(['logs', '--filter', 'ERROR'])
    expect(words(out)).toEqual(['ERROR request 503', 'ERROR worker'])
  })

  it('writes events as CloudWatch has them for programs', async () => {
    const time = Date.now() - 1000
    await emulated.main.put('a', [[time, '{"_aws":{}}']])
    const { code, out } = await boxlet(['logs', '--format', 'json'])
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ timestamp: time, message: '{"_aws":{}}', logStreamName: 'a' })
  })

  it('reads all pages, and keeps the order across groups while it does', async () => {
    const first = Date.now() - 5 * MINUTE
    const numbered = (count: number, step: number) =>
      Array.from({ length: count }, (_, index): [number, string] => [first + index * step, `${index}`])
    await emulated.main.put('a', numbered(21_500, 10))
    await emulated.worker.put('a', numbered(300, 700))
    const calls = emulated.relay.calls
    const { code, out } = await boxlet(['logs', '--format', 'json'])
    expect(code).toBe(0)
    const events = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { timestamp: number; eventId: string })
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(21_800)
    expect(events).toHaveLength(21_800)
    expect(events.findIndex(({ timestamp }, at) => timestamp < (events[at - 1]?.timestamp ?? 0))).toBe(-1)
    // Who is calling, the stack, three pages and one.
    expect(emulated.relay.calls - calls).toBe(6)
  })

  it('says that there are no lines', async () => {
    const { code, out, err } = await boxlet(['logs', '--since', '2026-01-31', '--filter', 'ERROR'])
    expect([code, out]).toEqual([0, ''])
    expect(err).toBe(
      'boxlet: The stack "boxlet" has no lines since 2026-01-31T00:00:00.000Z that match "ERROR".\n',
    )
  })

  it('takes a group that does not exist yet for an empty one', async () => {
    await emulated.worker.drop()
    await emulated.main.put('a', [[Date.now() - 1000, 'alone']])
    const { code, out, err } = await boxlet(['logs'])
    expect([code, words(out), err]).toEqual([0, ['alone'], ''])
  })

  it('tells in one line that there is no stack and answers 3', async () => {
    expect(await boxlet(['logs', '--follow', '--stack', 'fridge'])).toEqual({
      code: 3,
      out: '',
      err: expect.stringMatching(
        /^boxlet: There is no stack "fridge" in eu-west-1\. Boxlet's stacks there are boxlet: [^\n]+\n$/,
      ),
    })
  })

  it('shows why the first deployment failed, when the stack has no outputs yet', async () => {
    emulated.relay.change = (body) => body.replace(/<Outputs>[\s\S]*<\/Outputs>/, '')
    await emulated.main.put('a', [[Date.now() - 2000, 'main']])
    await emulated.worker.put('a', [[Date.now() - 1000, 'worker']])
    expect(words((await boxlet(['logs'])).out)).toEqual(['main', 'worker'])
  })

  it('says that it was interrupted before the end', async () => {
    await emulated.main.put('a', [[Date.now() - 1000, 'never read']])
    const interrupt = new AbortController()
    emulated.relay.change = (body) => {
      // The answer with the stack; what follows is about logs.
      if (body.includes('<StackStatus>')) {
        emulated.relay.state = 'silent'
      }
      return body
    }
    const running = boxlet(['logs'], { signal: interrupt.signal })
    await expect.poll(() => emulated.relay.state).toBe('silent')
    interrupt.abort()
    const { code, out, err } = await running
    expect([code, out]).toEqual([3, ''])
    expect(err).toMatch(/^boxlet: Expected .* interrupted\. \[ABORTED\]\n$/)
  })
})
