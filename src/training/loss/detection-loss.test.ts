import { describe, expect, it } from 'vitest'
import type { PixelBox } from '../../boxes/box.ts'
import { iou } from '../../boxes/iou.ts'
import { seededRandom } from '../../datasets/random.ts'
import type { Tensor } from '../../model/tensor.ts'
import { openSession } from '../../runtime/session.ts'
import { Graph, product } from '../graph/graph.ts'
import { toOnnx } from '../graph/to-onnx.ts'
import { centrePrior, FORBIDDEN } from './centre-prior.ts'
import { detectionLoss } from './detection-loss.ts'
import { type Grid, gridOf } from './grid.ts'

const CLASSES = 3
const LEVELS = [
  { width: 16, height: 16, stride: 8 },
  { width: 8, height: 8, stride: 16 },
  { width: 4, height: 4, stride: 32 },
]
const OUTPUTS = LEVELS.map((_, at) => ({ box: `box${at}`, objectness: `obj${at}`, classes: `cls${at}` }))

interface Truth extends PixelBox {
  classId: number
}

/** What the network says, as [4 + 1 + classes] rows of cells. */
type Said = Float32Array[]

/** Runs loss and gradients of the graph on given outputs of a network. */
async function runGraph(
  said: Said,
  truths: readonly Truth[],
  grid: Grid,
): Promise<{ sums: number[]; gradient: Said }> {
  const graph = new Graph()
  const feeds = new Map<string, Tensor>()
  let first = 0
  for (const [at, { width, height }] of LEVELS.entries()) {
    const parts = { box: [0, 4], objectness: [4, 5], classes: [5, 5 + CLASSES] } as const
    for (const [of, [from, to]] of Object.entries(parts) as [keyof typeof parts, [number, number]][]) {
      const dims = [1, to - from, height, width]
      graph.input({ name: OUTPUTS[at]![of], type: 'float32', dims })
      const data = new Float32Array(product(dims))
      for (let row = from; row < to; row++) {
        data.set(said[row]!.subarray(first, first + width * height), (row - from) * width * height)
      }
      feeds.set(OUTPUTS[at]![of], { type: 'float32', dims, data })
    }
    first += width * height
  }
  const objects = truths.length
  graph.input({ name: 'boxes', type: 'float32', dims: ['objects', 4] })
  graph.input({ name: 'classes', type: 'int64', dims: ['objects'] })
  graph.input({ name: 'prior', type: 'float32', dims: ['objects', grid.cells] })
  feeds.set('boxes', {
    type: 'float32',
    dims: [objects, 4],
    data: Float32Array.from(truths.flatMap(corners)),
  })
  feeds.set('classes', {
    type: 'int64',
    dims: [objects],
    data: BigInt64Array.from(truths, ({ classId }) => BigInt(classId)),
  })
  feeds.set('prior', { type: 'float32', dims: [objects, grid.cells], data: centrePrior(truths, grid) })
  const loss = detectionLoss(
    graph,
    OUTPUTS,
    { boxes: 'boxes', classes: 'classes', prior: 'prior' },
    grid,
    CLASSES,
  )
  graph.output({ name: 'sums', type: 'float32', dims: [4] }, loss.sums)
  for (const [name, seed] of loss.seeds) {
    graph.output({ name: `d.${name}`, type: 'float32', dims: graph.shape(seed) }, seed)
  }
  const session = await openSession(toOnnx(graph), { threads: 1 })
  try {
    const found = await session.run(feeds)
    const gradient = said.map((row) => new Float32Array(row.length))
    first = 0
    for (const [at, { width, height }] of LEVELS.entries()) {
      const cells = width * height
      const maps = [OUTPUTS[at]!.box, OUTPUTS[at]!.objectness, OUTPUTS[at]!.classes]
      const all = maps.flatMap((name) => [...(found.get(`d.${name}`)!.data as Float32Array)])
      gradient.forEach((row, channel) => {
        row.set(all.slice(channel * cells, (channel + 1) * cells), first)
      })
      first += cells
    }
    return { sums: [...(found.get('sums')!.data as Float32Array)], gradient }
  } finally {
    await session.release()
  }
}

const corners = ({ x1, y1, x2, y2 }: PixelBox) => [x1, y1, x2, y2]
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))

function boxOf(raw: readonly number[], cell: number, grid: Grid): PixelBox {
  const stride = grid.strides[cell]!
  const x = (raw[0]! + grid.columns[cell]!) * stride
  const y = (raw[1]! + grid.rows[cell]!) * stride
  const w = (Math.exp(raw[2]!) * stride) / 2
  const h = (Math.exp(raw[3]!) * stride) / 2
  return { x1: x - w, y1: y - h, x2: x + w, y2: y + h }
}
const rawOf = (said: Said, cell: number) => said.slice(0, 4).map((row) => row[cell]!)

/** SimOTA written from the paper with loops over objects and cells: object index by cell. */
function assignByLoops(said: Said, truths: readonly Truth[], grid: Grid): Map<number, number> {
  const best = new Map<number, { object: number; cost: number }>()
  truths.forEach((truth, object) => {
    const prior = centrePrior([truth], grid)
    const cells = [...prior.keys()].filter((cell) => prior[cell]! < FORBIDDEN)
    const rated = cells.map((cell) => {
      const overlap = iou(boxOf(rawOf(said, cell), cell, grid), truth)
      const classCost = Array.from({ length: CLASSES }, (_, k) => {
        const joint = Math.sqrt(sigmoid(said[4]![cell]!) * sigmoid(said[5 + k]![cell]!))
        const p = Math.min(0.9999, Math.max(1e-4, joint))
        return -Math.log(k === truth.classId ? p : 1 - p)
      })
      const cost = classCost.reduce((a, b) => a + b) - 3 * Math.log(overlap + 1e-8) + prior[cell]!
      return { cell, overlap, cost }
    })
    const overlaps = rated.map(({ overlap }) => overlap).sort((a, b) => b - a)
    const count = Math.max(1, Math.floor(overlaps.slice(0, 10).reduce((a, b) => a + b, 0)))
    for (const { cell, cost } of rated.sort((a, b) => a.cost - b.cost).slice(0, count)) {
      if ((best.get(cell)?.cost ?? Number.POSITIVE_INFINITY) > cost) {
        best.set(cell, { object, cost })
      }
    }
  })
  return new Map([...best].map(([cell, { object }]) => [cell, object]))
}

/** The loss of one cell with its object and the class target held fixed. */
function cellLoss(
  values: readonly number[],
  cell: number,
  truth: Truth | undefined,
  target: number,
  grid: Grid,
) {
  const entropy = (logit: number, wanted: number) => Math.log1p(Math.exp(logit)) - wanted * logit
  const objectness = entropy(values[4]!, truth === undefined ? 0 : 1)
  if (truth === undefined) {
    return { box: 0, objectness, classes: 0 }
  }
  const overlap = iou(boxOf(values, cell, grid), truth)
  const classes = values.slice(5).map((logit, k) => entropy(logit, k === truth.classId ? target : 0))
  return { box: 1 - overlap ** 2, objectness, classes: classes.reduce((a, b) => a + b) }
}

function scene(seed: number, objects: number): { said: Said; truths: Truth[]; grid: Grid } {
  const random = seededRandom(seed)
  const grid = gridOf(LEVELS)
  const truths = Array.from({ length: objects }, () => {
    const size = 8 + random() * 60
    const x1 = random() * (128 - size)
    const y1 = random() * (128 - size)
    return {
      x1,
      y1,
      x2: x1 + size,
      y2: y1 + size * (0.5 + random()),
      classId: Math.floor(random() * CLASSES),
    }
  })
  const said = Array.from({ length: 5 + CLASSES }, (_, row) =>
    Float32Array.from({ length: grid.cells }, () =>
      row < 2 ? random() : row < 4 ? random() * 2 : random() * 4 - 2,
    ),
  )
  return { said, truths, grid }
}

describe('the loss in the graph', () => {
  it.each([1, 2, 3, 4])('matches cells and adds up as loops over the paper do, scene %i', async (seed) => {
    const { said, truths, grid } = scene(seed, 3 * seed)
    const match = assignByLoops(said, truths, grid)
    const { sums } = await runGraph(said, truths, grid)
    const expected = [0, 0, 0, match.size]
    for (let cell = 0; cell < grid.cells; cell++) {
      const truth = truths[match.get(cell) ?? -1]
      const target = truth === undefined ? 0 : iou(boxOf(rawOf(said, cell), cell, grid), truth)
      const values = said.map((row) => row[cell]!)
      const loss = cellLoss(values, cell, truth, target, grid)
      expected[0]! += loss.box
      expected[1]! += loss.objectness
      expected[2]! += loss.classes
    }
    sums.forEach((sum, at) => {
      expect(sum).toBeCloseTo(expected[at]!, 2)
    })
  })

  it.each([5, 6])('has the slopes of the loss with the assignment held fixed, scene %i', async (seed) => {
    const { said, truths, grid } = scene(seed, 8)
    const match = assignByLoops(said, truths, grid)
    const { gradient } = await runGraph(said, truths, grid)
    const step = 1e-5
    let compared = 0
    for (let cell = 0; cell < grid.cells; cell++) {
      const truth = truths[match.get(cell) ?? -1]
      const values = said.map((row) => row[cell]!)
      const target = truth === undefined ? 0 : iou(boxOf(values, cell, grid), truth)
      // Below an overlap of 0.01 the slope is a pull towards the target and no derivative.
      if (truth !== undefined && target < 0.011) {
        continue
      }
      const total = (changed: readonly number[]) => {
        const { box, objectness, classes } = cellLoss(changed, cell, truth, target, grid)
        return 5 * box + objectness + classes
      }
      for (let channel = 0; channel < values.length; channel++) {
        const moved = (by: number) => values.map((value, at) => (at === channel ? value + by : value))
        const numeric = (total(moved(step)) - total(moved(-step))) / (2 * step)
        expect(gradient[channel]![cell]!).toBeCloseTo(numeric, 2)
        compared++
      }
    }
    expect(compared).toBeGreaterThan(grid.cells)
  })

  it('draws a box without overlap towards its object', async () => {
    const { said, grid } = scene(7, 1)
    // One small object, and every box far away from its own cell.
    said[0]!.fill(40)
    const truth = { x1: 20, y1: 20, x2: 30, y2: 30, classId: 1 }
    const { gradient, sums } = await runGraph(said, [truth], grid)
    expect(sums[3]).toBe(1)
    const pulled = [...gradient[0]!.keys()].filter((cell) => gradient[0]![cell] !== 0)
    expect(pulled).toHaveLength(1)
    expect(gradient[0]![pulled[0]!]).toBe(5)
  })

  it('takes a picture without objects, and rows that only fill up', async () => {
    const { said, grid, truths } = scene(8, 2)
    const filler = { x1: 0, y1: 0, x2: 0, y2: 0, classId: 0 }
    const empty = await runGraph(said, [filler], grid)
    expect(empty.sums[3]).toBe(0)
    expect(empty.gradient.flatMap((row) => [...row]).every(Number.isFinite)).toBe(true)
    const filled = await runGraph(said, [...truths, filler, filler], grid)
    expect(filled).toEqual(await runGraph(said, truths, grid))
  })
})
