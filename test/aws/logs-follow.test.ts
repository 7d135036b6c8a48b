import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readLogs } from '../../src/aws/deploy/logs.ts'
import { openSession } from '../../src/aws/deploy/session.ts'
import { boxlet } from '../support/boxlet.ts'
import { EmulatedLogs, words } from './emulated-logs.ts'
import { awsVariables, REGION } from './stacks.ts'
import { motoServer } from './tools.ts'

const BIN = resolve(import.meta.dirname, '../../bin/boxlet.js')
const MINUTE = 60_000

describe.skipIf(motoServer === undefined)('boxlet logs --follow against moto', () => {
  const emulated = new EmulatedLogs()

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
    const before = emulated.relay.calls
    await expect.poll(() => emulated.relay.calls, { timeout: 20_000 }).toBeGreaterThanOrEqual(before + 4)
  }

  it('shows each line once, whatever time it bears and however late it comes', async () => {
    const now = Date.now()
    await emulated.main.put('a', [[now - 30_000, 'before']])
    const following = follow()
    await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['before'])
    const moment = Date.now()
    await emulated.main.put('a', [
      [moment, 'twin'],
      [moment, 'twin'],
    ])
    await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['before', 'twin', 'twin'])
    // Of the same moment, but delivered after it was read; and of other environments, slower ones.
    await emulated.main.put('a', [[moment, 'third of that moment']])
    await emulated.main.put('b', [[moment - 4000, 'late']])
    await emulated.worker.put('a', [[moment - 8000, 'later still']])
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
    await emulated.main.put('a', [[Date.now() + 60 * MINUTE, 'ahead']])
    await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['ahead'])
    await emulated.main.put('b', [[Date.now(), 'right']])
    await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['ahead', 'right'])
    await rounds()
    expect(words((await following.stop()).out)).toEqual(['ahead', 'right'])
  })

  it('waits for a group that does not exist yet', async () => {
    await emulated.main.drop()
    await emulated.worker.drop()
    const following = follow()
    await rounds()
    await emulated.main.put('a', [[Date.now(), 'first of all']])
    await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['first of all'])
    expect((await following.stop()).code).toBe(0)
  })

  it('applies the filter to what comes', async () => {
    const following = follow('--filter', 'ERROR')
    await emulated.main.put('a', [
      [Date.now() - 1, 'INFO fine'],
      [Date.now(), 'ERROR not'],
    ])
    await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['ERROR not'])
    await following.stop()
  })

  it('outlives a network that is away for a while, says so once, and misses nothing', async () => {
    await emulated.main.put('a', [[Date.now(), 'before']])
    const following = follow()
    await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['before'])
    emulated.relay.state = 'down'
    await emulated.main.put('a', [[Date.now(), 'meanwhile']])
    const calls = emulated.relay.calls
    // Each round makes three tries.
    await expect.poll(() => emulated.relay.calls - calls, { timeout: 30_000 }).toBeGreaterThanOrEqual(6)
    emulated.relay.state = 'up'
    await expect.poll(following.lines, { timeout: 20_000 }).toEqual(['before', 'meanwhile'])
    const { code, out, err } = await following.stop()
    expect([code, words(out)]).toEqual([0, ['before', 'meanwhile']])
    expect(err).toMatch(/^boxlet: Expected AWS .+ Trying again\.\n$/)
  })

  it('outlives connections that have gone silent', async () => {
    const [shown, troubles, interrupt]: [string[], string[], AbortController] = [
      [],
      [],
      new AbortController(),
    ]
    await emulated.main.put('a', [[Date.now(), 'before']])
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
    emulated.relay.state = 'silent'
    await expect.poll(() => troubles, { timeout: 20_000 }).toEqual([expect.stringContaining('TimeoutError')])
    emulated.relay.state = 'up'
    await emulated.main.put('a', [[Date.now(), 'after']])
    await expect.poll(() => shown, { timeout: 20_000 }).toEqual(['before', 'after'])
    interrupt.abort()
    await reading
  })

  it.each(['SIGINT', 'SIGTERM'] as const)('ends a process well on %s', async (signal) => {
    await emulated.main.put('a', [[Date.now() - 1000, 'hello']])
    const child = spawn(process.execPath, [BIN, 'logs', '-f'], {
      cwd: tmpdir(),
      env: { PATH: process.env.PATH, ...awsVariables(emulated.endpoint) },
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
