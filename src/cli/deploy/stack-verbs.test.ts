import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'
import { parseSince } from './logs.ts'

beforeAll(() => {
  vi.stubEnv('AWS_REGION', '')
  vi.stubEnv('AWS_CONFIG_FILE', '/none')
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', '/none')
})
afterAll(() => vi.unstubAllEnvs())

describe('verbs of a deployed stack', () => {
  it.each(['status', 'logs', 'destroy', 'deploy'])(
    'refuse a stack named without --stack: %s',
    async (verb) => {
      expect(await boxlet([verb, 'fridge'])).toEqual({
        code: 2,
        out: '',
        err: `boxlet: Expected options alone for "boxlet ${verb}" but received "fridge". Name the stack with --stack. [USAGE]\n`,
      })
    },
  )

  it.each([
    [['--stack', 'Fridge'], 'for --stack but received "Fridge"'],
    [['--format', 'yaml'], 'Expected one of text, json for --format but received "yaml"'],
    [[], 'Expected an AWS region but found none. Add --region, or set AWS_REGION.'],
    [['--region', 'no where'], 'such as eu-west-1, but received "no where"'],
  ])('say in one line what is wrong with the call: %j', async (args, words) => {
    for (const verb of ['status', 'logs']) {
      const { code, out, err } = await boxlet([verb, ...args])
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain(words)
      expect(err).toMatch(/^boxlet: [^\n]+ \[USAGE\]\n$/)
    }
  })
})

describe('--since', () => {
  const now = Date.parse('2026-03-01T12:00:00Z')
  it.each([
    ['30s', '2026-03-01T11:59:30Z'],
    ['10m', '2026-03-01T11:50:00Z'],
    ['2h', '2026-03-01T10:00:00Z'],
    ['1d', '2026-02-28T12:00:00Z'],
    ['2026-02-01', '2026-02-01T00:00:00Z'],
    ['2026-02-01T18:30+02:00', '2026-02-01T16:30:00Z'],
  ])('takes a span back from now, or a date: %s', (text, time) => {
    expect(parseSince(text, now)).toBe(Date.parse(time))
  })

  it.each(['', '10', '10 m', 'yesterday', 'line 1', '-5m', '1w', '2026-02-30T', '99999999d'])(
    'refuses what is neither: "%s"',
    async (text) => {
      const { code, err } = await boxlet(['logs', `--since=${text}`])
      expect(code).toBe(2)
      expect(err).toBe(
        `boxlet: Expected 30s, 10m, 2h, 1d or a date such as 2026-01-31 for --since but received "${text}". [USAGE]\n`,
      )
    },
  )

  it('refuses a time that is still to come', () => {
    expect(() => parseSince('2026-03-02', now)).toThrow(/Expected a time in the past, .* "2026-03-02"/)
  })
})
