import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { sourceOf } from './sources.ts'

const record = (key: string, more: object = {}) => ({
  eventSource: 'aws:s3',
  eventName: 'ObjectCreated:Put',
  s3: { bucket: { name: 'b' }, object: { key, ...more } },
})
const bridge = (key: string, more: object = {}) => ({
  source: 'aws.s3',
  detail: { bucket: { name: 'b' }, object: { key, ...more } },
})
const message = (body: unknown, messageId = 'm') => ({
  eventSource: 'aws:sqs',
  messageId,
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
const topic = (body: unknown) => ({
  EventSource: 'aws:sns',
  Sns: { TopicArn: 'arn:aws:sns:eu-west-1:1:t', Message: JSON.stringify(body) },
})
const envelope = (body: unknown) => ({ TopicArn: 'arn:aws:sns:eu-west-1:1:t', Message: JSON.stringify(body) })
const records = (...list: unknown[]) => ({ Records: list })
const tasksOf = (event: unknown) => sourceOf(event)!.tasksOf(event)
const refs = (event: unknown) => tasksOf(event).tasks.map(({ ref }) => ref)
const refused = expect.objectContaining({ code: 'REQUEST_INVALID' })

describe('an event', () => {
  const picture = [{ bucket: 'b', key: 'a b+c.jpg' }]
  it.each([
    ['S3', records(record('a+b%2Bc.jpg'))],
    [
      'S3 without the name of the service, as a console sends',
      { Records: [{ s3: record('a+b%2Bc.jpg').s3 }] },
    ],
    ['SNS', records(topic(records(record('a+b%2Bc.jpg'))))],
    ['SQS', records(message(records(record('a+b%2Bc.jpg'))))],
    ['SNS in SQS', records(message(envelope(records(record('a+b%2Bc.jpg')))))],
    ['EventBridge, which encodes nothing', bridge('a b+c.jpg')],
    ['EventBridge in SQS', records(message(bridge('a b+c.jpg')))],
    ['EventBridge behind SNS', records(topic(bridge('a b+c.jpg')))],
    ['a plain message', records(message({ s3: { bucket: 'b', key: 'a b+c.jpg' } }))],
  ])('of %s names its picture', (_name, event) => {
    expect(refs(event)).toEqual(picture)
  })

  it('of another service is nobody’s', () => {
    for (const event of [{}, [], null, 'text', { Records: [] }, { Records: [null] }, { Records: [{}] }]) {
      expect(sourceOf(event)).toBeUndefined()
    }
  })

  it('keeps the version of the picture and the order of the event', () => {
    const order = { sequencer: '0A1B' }
    expect(tasksOf(records(record('k', { versionId: 'v', ...order }))).tasks).toEqual([
      { ref: { bucket: 'b', key: 'k', version: 'v' }, sequencer: '0A1B' },
    ])
    expect(tasksOf(bridge('k', { 'version-id': 'v', ...order })).tasks).toEqual([
      { ref: { bucket: 'b', key: 'k', version: 'v' }, sequencer: '0A1B' },
    ])
  })

  it('that marks a folder, deletes, or tests a notification asks for nothing', () => {
    expect(refs(records(record('incoming/x/')))).toEqual([])
    expect(refs(bridge('incoming/x/'))).toEqual([])
    expect(refs(records({ ...record('k'), eventName: 'ObjectRemoved:Delete' }))).toEqual([])
    expect(refs(records(message({ Event: 's3:TestEvent' })))).toEqual([])
  })

  it('with a key that no service encodes so is refused', () => {
    expect(() => refs(records(record('100%.jpg')))).toThrow(refused)
    expect(() => refs(records(topic('{')))).toThrow(refused)
    expect(() => refs(records({ EventSource: 'aws:sns' }))).toThrow(refused)
    expect(() => refs(records(record('k'), null))).toThrow(refused)
  })
})

describe('a queue', () => {
  it('gives back a message that cannot be read, and takes the others', () => {
    const { tasks, unreadable } = tasksOf(
      records(
        message('{', 'broken'),
        message({}, 'other'),
        message({ s3: { bucket: 'b', key: 'k' } }, 'good'),
      ),
    )
    expect(tasks).toEqual([{ ref: { bucket: 'b', key: 'k' }, messageId: 'good' }])
    expect(unreadable).toEqual([
      { messageId: 'broken', reason: refused },
      { messageId: 'other', reason: refused },
    ])
  })

  it('names no message for a record without an id', () => {
    const { tasks, unreadable } = tasksOf(records(null, message({ s3: { bucket: 'b', key: 'k' } })))
    expect(tasks).toHaveLength(1)
    expect(unreadable).toEqual([{ reason: refused }])
  })

  it('does not unpack envelopes without end', () => {
    let body: unknown = records(record('k'))
    for (let depth = 0; depth < 10; depth++) {
      body = envelope(body)
    }
    expect(tasksOf(records(message(body))).unreadable).toHaveLength(1)
  })

  it('never throws for what stands in a message', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (body) => {
        const { tasks, unreadable } = tasksOf(records(message(body)))
        expect(tasks.length + unreadable.length).toBeLessThanOrEqual(1)
      }),
    )
  })
})

describe('an answer', () => {
  const failure = new Error('away') as never
  it('of a queue names the messages to try again', () => {
    const { answer } = sourceOf(records(message('{')))!
    expect(answer({ again: ['a'], failure: undefined })).toEqual({
      batchItemFailures: [{ itemIdentifier: 'a' }],
    })
    expect(() => answer({ again: [], failure })).toThrow('away')
  })
  it('of other services is a failure for the event as a whole', () => {
    for (const event of [records(record('k')), records(topic('x')), bridge('k')]) {
      expect(() => sourceOf(event)!.answer({ again: [], failure })).toThrow('away')
      expect(sourceOf(event)!.answer({ again: [], failure: undefined })).toBeNull()
    }
  })
})
