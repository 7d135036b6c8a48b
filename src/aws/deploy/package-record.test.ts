import { expect, it } from 'vitest'
import { FakeStack, fakeSession } from '../../../test/support/aws-session.ts'
import type { PackageResult } from '../package/build-package.ts'
import { readRecord, recordOf, stackTags } from './package-record.ts'
import { describeStack } from './stack.ts'

const built = (labels: string[]): PackageResult =>
  ({
    model: { manifest: { runs: { family: 'yolov8' }, info: { contract: { labels } } } },
  }) as unknown as PackageResult

const asStack = (tags: Record<string, string>) =>
  describeStack(
    fakeSession(
      new FakeStack(['CREATE_COMPLETE'], {
        Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      }).answers,
    ).session,
    'test',
  )

it('names the model without its folder, and labels by their hash', () => {
  const one = recordOf('./models/fridge.onnx', built(['milk']), ['AGPL-3.0'])
  expect(one).toMatchObject({ model: 'fridge.onnx', licences: ['AGPL-3.0'] })
  expect(one.labels).toMatch(/^[0-9a-f]{16}$/)
  expect(recordOf('fridge.onnx', built(['beer']), []).labels).not.toBe(one.labels)
})

it('is read from the tags that it was written to, beside those of others', async () => {
  const record = recordOf('fridge (new)*.onnx', built(['milk']), ['AGPL-3.0', 'CC-BY-NC-4.0'])
  const before = await asStack({
    team: 'kitchen',
    'boxlet:model': 'old',
    'boxlet:licences': 'x',
    'aws:own': 'y',
  })
  const tags = stackTags('test', before, record)
  expect(tags).toMatchObject({
    team: 'kitchen',
    'boxlet:stack': 'test',
    'boxlet:model': 'fridge -new--.onnx',
  })
  expect(tags).not.toHaveProperty('aws:own')
  expect(readRecord(await asStack(tags))).toEqual({ ...record, model: 'fridge -new--.onnx' })
  expect(stackTags('test', await asStack(tags), undefined)).toEqual(tags)
})

it('is unknown of stacks that other tools have made', async () => {
  expect(readRecord(await asStack({ team: 'kitchen' }))).toBeUndefined()
})

it('notes each licence once, and as many as a tag holds', async () => {
  expect(recordOf('m', built([]), ['AGPL-3.0', 'AGPL-3.0']).licences).toEqual(['AGPL-3.0'])
  const many = Array.from({ length: 40 }, (_, index) => `Licence-${index}`)
  const record = recordOf('m', built([]), many)
  const tag = stackTags('test', undefined, record)['boxlet:licences']
  expect(tag?.length).toBeLessThanOrEqual(256)
  expect(record.licences).toEqual(many.slice(0, record.licences.length))
  expect(readRecord(await asStack(stackTags('test', undefined, record)))?.licences).toEqual(record.licences)
})
