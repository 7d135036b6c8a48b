import { mkdtemp, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { tinyYolox, writeShapes } from '../../../test/support/tiny-yolox.ts'
import { openParts } from '../../datasets/parts.ts'
import { prepare } from '../prepare.ts'
import { sharedState, startFromBase } from './shared-state.ts'
import { type SupervisedRun, supervise } from './supervisor.ts'

let folder: string
let setup: SupervisedRun['setup']
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-supervise-'))
  const data = await writeShapes(join(folder, 'shapes'), { train: 12, val: 2, test: 2 })
  const train = (await openParts(data)).find(({ name }) => name === 'train')!.dataset
  const labels = ['red', 'green', 'blue']
  const base = { name: 'tiny', sha256: '', bytes: tinyYolox(['something']) }
  const settings = { seed: 1, quick: false, workers: 2, epochs: 100 }
  const job = { base, labels, train, val: undefined, settings, stem: folder, resume: false, onEvent() {} }
  const { graph, recipe, format, pictures } = await prepare(job, join(folder, 'none'))
  const state = sharedState(graph.learned, recipe.workers, recipe.batch)
  startFromBase(state, graph.slots, 3)
  const { bytes, learned, grid } = graph
  setup = { graph: bytes, learned, grid, recipe, format, pictures, state, round: 3, firstStep: 0 }
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const withState = (changed: Partial<SupervisedRun['setup']> = {}): SupervisedRun['setup'] => ({
  ...setup,
  state: sharedState(setup.learned, setup.recipe.workers, setup.recipe.batch),
  ...changed,
})

describe('a training run', () => {
  it('ends with a sentence when a worker is killed, while the others wait for it', async () => {
    const workers: Worker[] = []
    const remember = (worker: Worker) => workers.push(worker)
    process.on('worker', remember)
    try {
      const run = supervise({
        setup: withState(),
        // All workers stand still here: within a run of the runtime the whole process would be aborted.
        async onRound() {
          await workers[1]!.terminate()
          return true
        },
      })
      await expect(run).rejects.toMatchObject({
        code: 'TEACHING_FAILED',
        message: expect.stringContaining('one died'),
        hint: expect.stringContaining('--resume'),
      })
      expect(workers).toHaveLength(2)
    } finally {
      process.off('worker', remember)
    }
  })

  it('ends with what a worker says whose picture has gone', async () => {
    const path = join(folder, 'gone.png')
    await writeFile(path, '')
    await unlink(path)
    const [first, ...others] = setup.pictures
    const { data: _, ...unkept } = first!
    const pictures = [{ ...unkept, path }, ...others]
    await expect(supervise({ setup: withState({ pictures }), onRound: async () => true })).rejects.toThrow(
      'gone.png',
    )
  })

  it('ends with what went wrong between two rounds', async () => {
    const run = supervise({
      setup: withState(),
      onRound: () => Promise.reject(new Error('the disk is full')),
    })
    await expect(run).rejects.toMatchObject({
      code: 'TEACHING_FAILED',
      cause: expect.objectContaining({ message: 'the disk is full' }),
    })
  })

  it('ends after the step that is being done when it is asked to, or has nothing more to learn', async () => {
    const stop = new AbortController()
    const asked = supervise({
      setup: withState(),
      signal: stop.signal,
      async onRound({ step }) {
        if (step === 6) {
          stop.abort()
        }
        return true
      },
    })
    expect(await asked).toBeLessThanOrEqual(7)
    expect(await supervise({ setup: withState(), onRound: async () => false })).toBeLessThanOrEqual(4)
  })
})
