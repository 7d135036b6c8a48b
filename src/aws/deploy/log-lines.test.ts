import { describe, expect, it } from 'vitest'
import { formatLogEvent } from './log-lines.ts'

const timestamp = Date.parse('2026-03-01T12:00:00.250Z')
const line = (message: string | object) =>
  formatLogEvent({ timestamp, message: typeof message === 'string' ? message : JSON.stringify(message) })

describe('a log line for a person', () => {
  it('tells of a request what matters', () => {
    const request = { level: 'INFO', message: 'request', status: 200, route: '/v1/detect', duration: 81.6 }
    expect(line({ ...request, requestId: 'r', stages: { run: 60.1 }, model: 'tiny', timestamp: 't' })).toBe(
      '2026-03-01T12:00:00.250Z INFO request 200 /v1/detect 82 ms tiny {"run":60.1}',
    )
  })

  it('tells of a request in a line that holds its metrics too', () => {
    const metrics = { _aws: { Timestamp: 1 }, service: 'boxlet', Requests: 1, Duration: 81.6, Run: 60.1 }
    expect(line({ ...metrics, level: 'INFO', message: 'request', status: '200', route: '/v1/detect' })).toBe(
      '2026-03-01T12:00:00.250Z INFO request 200 /v1/detect 82 ms {"Run":60.1}',
    )
  })

  it('names the error, what it was about and what caused it', () => {
    const fault = {
      level: 'ERROR',
      message: 'picture',
      error: { code: 'IMAGE_CORRUPT' },
      ref: 'incoming/a.jpg',
    }
    expect(line(fault)).toContain('ERROR picture {"code":"IMAGE_CORRUPT"} incoming/a.jpg')
    expect(line({ level: 'ERROR', message: 'request', cause: { name: 'RangeError' } })).toContain(
      'RangeError',
    )
  })

  it('leaves stacks and places in the code out of errors', () => {
    const at = {
      location: 'file:///var/task/index.mjs:1',
      stack: 'RangeError: no\n    at /var/task/index.mjs',
    }
    const cause = { name: 'RangeError', message: 'no', ...at }
    const error = { name: 'BoxletError', code: 'MODEL_RUN_FAILED', message: 'Expected a run.', ...at, cause }
    expect(line({ level: 'ERROR', message: 'request', cause })).toBe(
      '2026-03-01T12:00:00.250Z ERROR request RangeError: no',
    )
    const told = { code: 'MODEL_NOT_FOUND', message: 'Expected a model.', hint: 'Package one.' }
    expect(line({ level: 'ERROR', message: 'start', error: told })).toBe(
      '2026-03-01T12:00:00.250Z ERROR start MODEL_NOT_FOUND: Expected a model. Package one.',
    )
    expect(line({ level: 'ERROR', message: 'start', error })).toBe(
      '2026-03-01T12:00:00.250Z ERROR start BoxletError MODEL_RUN_FAILED: Expected a run.: RangeError: no',
    )
  })

  it.each([
    ['START RequestId: 1 Version: 2\n', 'START RequestId: 1 Version: 2'],
    ['Error: no\n    at main\n\tat more\n', 'Error: no\n    at main\n\tat more'],
    ['{"type":"platform.report","record":{}}', '{"type":"platform.report","record":{}}'],
    ['{"message":{"code":7}}', '{"message":{"code":7}}'],
    ['{not json', '{not json'],
    ['', ''],
  ])('leaves lines of others as they are: %j', (message, text) => {
    expect(line(message)).toBe(`2026-03-01T12:00:00.250Z ${text}`)
  })

  it('leaves metrics to the dashboard', () => {
    expect(line({ _aws: { Timestamp: 1 }, Requests: 1 })).toBeUndefined()
  })

  it('lets no escape sequence through to the terminal', () => {
    expect(line({ level: 'INFO', message: 'a\u001b[2Jb' })).toBe('2026-03-01T12:00:00.250Z INFO a?[2Jb')
    expect(line('a\u001b]0;x\u0007b\rc')).toBe('2026-03-01T12:00:00.250Z a?]0;x?b?c')
  })
})
