import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { confirm } from './confirm.ts'
import type { Io } from './verb.ts'

function terminal() {
  const stdin = Object.assign(new PassThrough(), { isTTY: true })
  const stderr = new PassThrough()
  const control = new AbortController()
  const io: Io = { stdin, stderr, stdout: new PassThrough(), env: {}, signal: control.signal }
  return { stdin, io, control }
}

describe('a question', () => {
  it.each([
    ['y', true],
    ['YES', true],
    ['', false],
    ['n', false],
    ['yesterday', false],
  ])('is agreed to by y and yes only: %j', async (line, expected) => {
    const { stdin, io } = terminal()
    const answer = confirm(io, 'Sure?', '--yes')
    stdin.write(`${line}\n`)
    expect(await answer).toBe(expected)
  })

  it('ends with Ctrl-D and with Ctrl-C', async () => {
    const ended = terminal()
    const answer = confirm(ended.io, 'Sure?', '--yes')
    ended.stdin.end()
    await expect(answer).rejects.toMatchObject({ code: 'ABORTED' })
    const stopped = terminal()
    const other = confirm(stopped.io, 'Sure?', '--yes')
    stopped.control.abort()
    await expect(other).rejects.toMatchObject({ code: 'ABORTED' })
  })

  it('is not asked where nobody can answer', async () => {
    const { io } = terminal()
    await expect(confirm({ ...io, stdin: new PassThrough() }, 'Sure?', '--yes')).rejects.toMatchObject({
      code: 'USAGE',
      hint: expect.stringContaining('--yes'),
    })
  })
})
