import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadCheckpoint, plannedSteps, saveCheckpoint } from './checkpoint.ts'
import { sharedState } from './shared-state.ts'

const BUILT = resolve(import.meta.dirname, '../../../dist/training/run')
const LEARNED = 200_000
const ROUNDS = 4

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-checkpoint-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const facts = { fingerprint: 'run', step: 7, steps: 20, matched: 12.5, history: { rounds: [1] } }

describe('a checkpoint', () => {
  it('puts a run back, the best moment of a large validation set included', async () => {
    const path = join(folder, 'best')
    const before = sharedState(5, 1, 4)
    before.weights.set([1, 2, 3, 4, 5])
    before.square.set([5, 4, 3, 2, 1])
    const best = { step: 5, ap: 0.5, weights: Float32Array.of(9, 8, 7, 6, 5) }
    await saveCheckpoint(path, { ...facts, best }, before)
    const after = sharedState(5, 1, 4)
    expect(await loadCheckpoint(path, 'run', after)).toMatchObject({ ...facts, best })
    expect([after.weights, after.square, after.matched.at(-1)]).toEqual([before.weights, before.square, 12.5])
    expect(await plannedSteps(path)).toBe(20)
  })

  it('of another run, of another size, cut off, or with other bytes in its head is refused', async () => {
    const path = join(folder, 'damaged')
    const state = sharedState(5, 1, 4)
    await saveCheckpoint(path, facts, state)
    await expect(loadCheckpoint(path, 'other', state)).rejects.toThrow('other pictures or settings')
    await expect(loadCheckpoint(path, 'run', sharedState(6, 1, 4))).rejects.toThrow('another length')
    const bytes = await readFile(path)
    for (const [length, at] of [
      [0, 0],
      [10, 0],
      [17, 0],
      [40, 0],
      [bytes.length - 1, 0],
      [bytes.length, 3],
      [bytes.length, 18],
      [bytes.length, 25],
    ] as const) {
      const damaged = Buffer.from(bytes.subarray(0, length))
      if (at > 0) {
        damaged[at] = 0xff
      }
      await writeFile(path, damaged)
      await expect(loadCheckpoint(path, 'run', state)).rejects.toMatchObject({ code: 'TEACHING_FAILED' })
    }
    expect(await loadCheckpoint(join(folder, 'none'), 'run', state)).toBeUndefined()
  })

  it('is one or the other, never half, when the process is killed while it writes', async () => {
    const path = join(folder, 'killed')
    const writer = `
      import { saveCheckpoint } from ${JSON.stringify(join(BUILT, 'checkpoint.js'))}
      import { sharedState } from ${JSON.stringify(join(BUILT, 'shared-state.js'))}
      const state = sharedState(${LEARNED}, 1, 4)
      for (let step = 1; ; step++) {
        for (const vector of [state.weights, state.average, state.mean, state.square]) vector.fill(step)
        const head = { fingerprint: 'run', step, steps: 9, matched: 1, history: {} }
        await saveCheckpoint(${JSON.stringify(path)}, head, state)
        process.stdout.write('.')
      }`
    for (let round = 0; round < ROUNDS; round++) {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', writer])
      let written = 0
      child.stdout.on('data', (text) => {
        written += text.length
      })
      await expect.poll(() => written, { timeout: 30_000, interval: 7 }).toBeGreaterThan(2 + round)
      const ended = new Promise((done) => child.once('exit', done))
      child.kill('SIGKILL')
      await ended
      const state = sharedState(LEARNED, 1, 4)
      const found = await loadCheckpoint(path, 'run', state)
      const values = [state.weights, state.average, state.mean, state.square].flatMap((vector) => [
        ...new Set(vector),
      ])
      expect(new Set(values)).toEqual(new Set([found!.step]))
    }
  })
})
