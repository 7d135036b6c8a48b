import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { readLogs } from '../../src/aws/deploy/logs.ts'
import { openSession } from '../../src/aws/deploy/session.ts'
import { boxlet } from '../../src/cli/boxlet.fixture.ts'
import { LogWriter } from './log-writer.ts'
import { type Moto, startMoto } from './moto.ts'
import { type Relay, startRelay } from './relay.ts'
import { awsVariables, createStack, REGION } from './stacks.ts'
import { motoServer } from './tools.ts'

const BIN = resolve(import.meta.dirname, '../../bin/boxlet.js')
const MINUTE = 60_000

describe.skipIf(motoServer === undefined)('boxlet logs against moto', () => {
  let moto: Moto
  let relay: Relay
  let main: LogWriter
  let worker: LogWriter
  const outer = { ...process.env }

  beforeAll(async () => {
    moto = await startMoto(motoServer as string)
    relay = await startRelay(moto.endpoint)
    Object.assign(process.env, awsVariables(relay.endpoint))
    main = new LogWriter(moto.endpoint, '/aws/lambda/boxlet')
    worker = new LogWriter(moto.endpoint, '/aws/lambda/boxlet-worker')
  })
  afterAll(async () => {
    process.env = outer
    await relay?.stop()
    await moto?.stop()
  })
  beforeEach(async () => {
    relay.state = 'up'
    relay.change = undefined
    await moto.reset()
    await createStack(moto.endpoint, 'boxlet', { DataBucketName: 'photos' })
  })

  const words = (out: string): string[] =>
    out.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(line.indexOf(' ') + 1)]))

  /** Follows in the background until `stop`, and tells what has come so far. */
  function follow(...args: string[]) {
    const interrupt = new AbortController()
    let text = ''
    const running = boxlet(['logs', '--follow', ...args], {
      signal: interrupt.signal,
      onOutput: (more) => {
        text += more
      },
    })
    return {
      lines: () => words(text),
      stop: async () => {
        interrupt.abort()
        return running
      },
    }
  }
  /** Two rounds are over: all that was there before has been read. */
  async function rounds(): Promise<void> {
    const before = relay.calls
    await expect.poll(() => relay.calls, { timeout: 20_000 }).toBeGreaterThanOrEqual(before + 4)
  }

  describe('once', () => {
    it('shows the lines of all functions and environments in order of time', async () => {
      const now = Date.now()
      await main.put('a', [
        [now - 5000, 'one'],
        [now - 2000, 'four'],
      ])
      await main.put('b', [[now - 4000, 'two']])
      await worker.put('a', [
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
      await main.put('a', [
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
      await main.put('a', [
        [now - 3000, '{"level":"INFO","message":"request","status":200}'],
        [now - 2000, '{"level":"ERROR","message":"request","status":503}'],
      ])
      await worker.put('a', [[now - 1000, 'ERROR worker']])
      const { out } = await boxlet(['logs', '--filter', 'ERROR'])
      expect(words(out)).toEqual(['ERROR request 503', 'ERROR worker'])
    })

    it('writes events as CloudWatch has them for programs', async () => {
      const time = Date.now() - 1000
      await main.put('a', [[time, '{"_aws":{}}']])
      const { code, out } = await boxlet(['logs', '--format', 'json'])
      expect(code).toBe(0)
      expect(JSON.parse(out)).toMatchObject({ timestamp: time, message: '{"_aws":{}}', logStreamName: 'a' })
    })

    it('reads all pages, and keeps the order across groups while it does', async () => {
      const first = Date.now() - 5 * MINUTE
      const numbered = (count: number, step: number) =>
        Array.from({ length: count }, (_, index): [number, string] => [first + index * step, `${index}`])
      await main.put('a', numbered(21_500, 10))
      await worker.put('a', numbered(300, 700))
      const calls = relay.calls
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
      expect(relay.calls - calls).toBe(6)
    })

    it('says that there are no lines', async () => {
      const { code, out, err } = await boxlet(['logs', '--since', '2026-01-31', '--filter', 'ERROR'])
      expect([code, out]).toEqual([0, ''])
      expect(err).toBe(
        'boxlet: The stack "boxlet" has no lines since 2026-01-31T00:00:00.000Z that match "ERROR".\n',
      )
    })

    it('takes a group that does not exist yet for an empty one', async () => {
      await worker.drop()
      await main.put('a', [[Date.now() - 1000, 'alone']])
      const { code, out, err } = await boxlet(['logs'])
      expect([code, words(out), err]).toEqual([0, ['alone'], ''])
    })

    it('tells in one line that there is no stack and answers 3', async () => {
      expect(await boxlet(['logs', '--follow', '--stack', 'fridge'])).toEqual({
        code: 3,
        out: '',
        err: 'boxlet: There is no stack "fridge" in eu-west-1. Name another with --stack, or its region with --region.\n',
      })
    })

    it('shows why the first deployment failed, when the stack has no outputs yet', async () => {
      relay.change = (body) => body.replace(/<Outputs>[\s\S]*<\/Outputs>/, '')
      await main.put('a', [[Date.now() - 2000, 'main']])
      await worker.put('a', [[Date.now() - 1000, 'worker']])
      expect(words((await boxlet(['logs'])).out)).toEqual(['main', 'worker'])
    })

    it('says that it was interrupted before the end', async () => {
      await main.put('a', [[Date.now() - 1000, 'never read']])
      const interrupt = new AbortController()
      relay.change = (body) => {
        // The answer with the stack; what follows is about logs.
        if (body.includes('<StackStatus>')) relay.state = 'silent'
        return body
      }
      const running = boxlet(['logs'], { signal: interrupt.signal })
      await expect.poll(() => relay.state).toBe('silent')
      interrupt.abort()
      const { code, out, err } = await running
      expect([code, out]).toEqual([3, ''])
      expect(err).toMatch(/^boxlet: Expected .* interrupted\. \[ABORTED\]\n$/)
    })
  })

  describe('followed', () => {
    it('shows each line once, whatever time it bears and however late it comes', async () => {
      const now = Date.now()
      await main.put('a', [[now - 30_000, 'before']])
      const following = follow()
      await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['before'])
      const moment = Date.now()
      await main.put('a', [
        [moment, 'twin'],
        [moment, 'twin'],
      ])
      await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['before', 'twin', 'twin'])
      // Of the same moment, but delivered after it was read; and of other environments, slower ones.
      await main.put('a', [[moment, 'third of that moment']])
      await main.put('b', [[moment - 4000, 'late']])
      await worker.put('a', [[moment - 8000, 'later still']])
      await expect.poll(() => following.lines().length, { timeout: 20_000 }).toBe(6)
      await rounds()
      const { code, out, err } = await following.stop()
      expect([code, err]).toEqual([0, ''])
      const [before, ...more] = words(out)
      expect([before, ...more.slice(0, 2)]).toEqual(['before', 'twin', 'twin'])
      // A round may begin between two of the writes, so their order is open.
      expect(more.slice(2).sort()).toEqual(['late', 'later still', 'third of that moment'])
    })

    it('is not misled by a clock that runs ahead', async () => {
      const following = follow()
      await main.put('a', [[Date.now() + 60 * MINUTE, 'ahead']])
      await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['ahead'])
      await main.put('b', [[Date.now(), 'right']])
      await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['ahead', 'right'])
      await rounds()
      expect(words((await following.stop()).out)).toEqual(['ahead', 'right'])
    })

    it('waits for a group that does not exist yet', async () => {
      await main.drop()
      await worker.drop()
      const following = follow()
      await rounds()
      await main.put('a', [[Date.now(), 'first of all']])
      await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['first of all'])
      expect((await following.stop()).code).toBe(0)
    })

    it('applies the filter to what comes', async () => {
      const following = follow('--filter', 'ERROR')
      await main.put('a', [
        [Date.now() - 1, 'INFO fine'],
        [Date.now(), 'ERROR not'],
      ])
      await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['ERROR not'])
      await following.stop()
    })

    it('outlives a network that is away for a while, says so once, and misses nothing', async () => {
      await main.put('a', [[Date.now(), 'before']])
      const following = follow()
      await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['before'])
      relay.state = 'down'
      await main.put('a', [[Date.now(), 'meanwhile']])
      const calls = relay.calls
      // Each round makes three tries.
      await expect.poll(() => relay.calls - calls, { timeout: 30_000 }).toBeGreaterThanOrEqual(6)
      relay.state = 'up'
      await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['before', 'meanwhile'])
      const { code, out, err } = await following.stop()
      expect([code, words(out)]).toEqual([0, ['before', 'meanwhile']])
      expect(err).toMatch(/^boxlet: Expected AWS .+ Trying on\.\n$/)
    })

    it('outlives connections that have gone silent', async () => {
      const [shown, troubles, interrupt]: [string[], string[], AbortController] = [
        [],
        [],
        new AbortController(),
      ]
      await main.put('a', [[Date.now(), 'before']])
      const reading = readLogs(await openSession(REGION), {
        groups: ['/aws/lambda/boxlet'],
        since: Date.now() - MINUTE,
        follow: true,
        signal: interrupt.signal,
        onEvent: ({ message = '' }) => shown.push(message),
        onTrouble: ({ message }) => troubles.push(message),
        pollMs: 50,
        answerMs: 200,
      })
      await expect.poll(() => shown).toEqual(['before'])
      relay.state = 'silent'
      await expect
        .poll(() => troubles, { timeout: 20_000 })
        .toEqual([expect.stringContaining('TimeoutError')])
      relay.state = 'up'
      await main.put('a', [[Date.now(), 'after']])
      await expect.poll(() => shown, { timeout: 20_000 }).toEqual(['before', 'after'])
      interrupt.abort()
      await reading
    })

    it.each(['SIGINT', 'SIGTERM'] as const)('ends a process well on %s', async (signal) => {
      await main.put('a', [[Date.now() - 1000, 'hello']])
      const child = spawn(process.execPath, [BIN, 'logs', '-f'], {
        cwd: tmpdir(),
        env: { PATH: process.env.PATH, ...awsVariables(moto.endpoint) },
      })
      let [out, err] = ['', '']
      child.stdout.on('data', (part) => {
        out += part
      })
      child.stderr.on('data', (part) => {
        err += part
      })
      await expect.poll(() => words(out), { timeout: 20_000 }).toEqual(['hello'])
      const started = Date.now()
      child.kill(signal)
      expect(await once(child, 'exit')).toEqual([0, null])
      expect(Date.now() - started).toBeLessThan(5000)
      expect([words(out), err]).toEqual([['hello'], ''])
    })
  })
})
