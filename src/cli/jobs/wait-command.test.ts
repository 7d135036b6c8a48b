import { expect, it } from 'vitest'
import { JOB_MODEL_OPTION } from './job-model.ts'
import { waitCommand } from './wait-command.ts'
import { WORKER_OPTIONS } from './workers.ts'

it('names all that the waiting needs, as a shell reads it, and no secret', () => {
  const options = {
    ...WORKER_OPTIONS,
    model: JOB_MODEL_OPTION,
    work: { type: 'boolean', says: 'x' },
  } as const
  const values = {
    store: '/data/my jobs',
    model: ['a.onnx', "b=it's.onnx"],
    policy: 'policy.yaml',
    urls: 'https',
    lease: 30,
    work: false,
    wait: true,
    'webhook-secret': 'hush',
  }
  expect(waitCommand(['one', 'two'], values, options)).toBe(
    "boxlet jobs wait one two --model a.onnx --model 'b=it'\\''s.onnx' --store '/data/my jobs' --policy policy.yaml --no-work",
  )
  expect(waitCommand(['one'], { store: 'postgres://me:hush@db/jobs' }, options)).toBe(
    'boxlet jobs wait one --store postgres://me@db/jobs',
  )
})
