import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from './support/corpus.ts'
import { GRAPH_BOMBS } from './support/graph-bombs.ts'
import { mutated } from './support/graph-mutations.ts'
import { type Inspected, Inspecting } from './support/inspecting.ts'
import { streetModel } from './support/street.ts'
import { tinyYolox } from './support/tiny-yolox.ts'

/** Mutated graphs; `npm run soak -- graphs` looks at 20,000. */
const ROUNDS = Number(process.env.BOXLET_TEST_SOAK ?? 150)
/** What one file may take in the long run, where nothing else uses the machine's time; a busy one takes longer. */
const MOST_MS = process.env.BOXLET_TEST_SOAK === undefined ? 60_000 : 5_000
const MOST_BYTES = 2 ** 30

/** Free axes, sizes made in the graph, suppression, quantized operators and a transformer between them. */
const FILES = [
  'yunet-n-dynamic',
  'yunet-120x160-priors',
  'nms-stage-yolov8',
  'deimv2-atto-320-int8',
  'fastestdet-512-flat',
]

describe('boxlet model inspect', () => {
  let folder: string
  const inspecting = new Inspecting(MOST_MS)
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'boxlet-hostile-'))
  })
  afterAll(async () => {
    inspecting.close()
    await rm(folder, { recursive: true, force: true })
  })

  /** One sentence or an answer, in time, in little memory. */
  async function look(bytes: Uint8Array): Promise<void> {
    const path = join(folder, 'model.onnx')
    await writeFile(path, bytes)
    const seen: Inspected | string = await inspecting.look(path)
    if (typeof seen === 'string') {
      throw new Error(seen)
    }
    expect(seen.mostBytes).toBeLessThan(MOST_BYTES)
    expect([0, 3]).toContain(seen.code)
    if (seen.code !== 0) {
      expect(seen.said).toMatch(/^boxlet: Expected .+\[MODEL_\w+\]/s)
    }
  }

  it.each(Object.keys(GRAPH_BOMBS))(
    'ends soon and in little memory for %s',
    { timeout: 2 * MOST_MS },
    (name) => look(GRAPH_BOMBS[name]!()),
  )

  it('ends soon and in little memory for graphs with other sizes, operators and edges', {
    timeout: 4 * 3_600_000,
  }, async () => {
    const originals = [
      new Uint8Array(readFileSync(streetModel())),
      tinyYolox(['a', 'b']),
      ...(hasCorpus ? FILES.map((name) => corpusBytes(`models/${name}.onnx`)) : []),
    ]
    const failures: string[] = []
    for (let seed = 0; seed < ROUNDS; seed++) {
      const original = originals[seed % originals.length]!
      await look(mutated(original, seed)).catch((error: Error) =>
        failures.push(`seed ${seed}: ${error.message}`),
      )
    }
    expect(failures).toEqual([])
  })
})
