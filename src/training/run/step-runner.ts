import type { Tensor } from '../../model/tensor.ts'
import { openSession, type Session } from '../../runtime/session.ts'
import type { Labelled } from '../augment/move-boxes.ts'
import { centrePrior } from '../loss/centre-prior.ts'
import type { Grid } from '../loss/grid.ts'
import { INPUTS, OUTPUTS } from '../model/training-graph.ts'

/** Sums over the cells of one picture. */
export interface PictureLoss {
  box: number
  objectness: number
  classes: number
  matched: number
}

/** The runtime plans memory by input shapes, so that the number of objects is rounded up to few different ones. */
const OBJECTS_STEP = 16
/** A box without an area matches no cell. */
const FILLER: Labelled = { classId: 0, box: { x1: 0, y1: 0, x2: 0, y2: 0 } }

/** Runs the training graph on one picture after another; holds one set of tensors for all. */
export class StepRunner {
  /** Input [3, size, size], to be drawn before each run. */
  readonly image: Float32Array
  /** A copy of what learns: the runtime does not read shared memory. */
  readonly weights: Float32Array
  /** Of the picture run last, for the sum of the loss over its cells. */
  readonly gradient: Float32Array
  readonly #session: Session
  readonly #grid: Grid
  readonly #fixed: [string, Tensor][]
  readonly #into: Map<string, Tensor>
  readonly #sums = new Float32Array(4)

  private constructor(session: Session, size: number, learned: number, grid: Grid) {
    this.#session = session
    this.#grid = grid
    this.image = new Float32Array(3 * size * size)
    this.weights = new Float32Array(learned)
    this.gradient = new Float32Array(learned)
    this.#fixed = [
      [INPUTS.image, { type: 'float32', dims: [1, 3, size, size], data: this.image }],
      [INPUTS.weights, { type: 'float32', dims: [learned], data: this.weights }],
    ]
    this.#into = new Map<string, Tensor>([
      [OUTPUTS.gradient, { type: 'float32', dims: [learned], data: this.gradient }],
      [OUTPUTS.sums, { type: 'float32', dims: [4], data: this.#sums }],
    ])
  }

  static async open(graph: Uint8Array, size: number, learned: number, grid: Grid): Promise<StepRunner> {
    return new StepRunner(await openSession(graph, SESSION), size, learned, grid)
  }

  async run(objects: readonly Labelled[]): Promise<PictureLoss> {
    const rows = Math.max(OBJECTS_STEP, Math.ceil(objects.length / OBJECTS_STEP) * OBJECTS_STEP)
    const all = [...objects, ...Array.from({ length: rows - objects.length }, () => FILLER)]
    const boxes = all.map(({ box }) => box)
    const corners = Float32Array.from(boxes.flatMap(({ x1, y1, x2, y2 }) => [x1, y1, x2, y2]))
    const classes = BigInt64Array.from(all, ({ classId }) => BigInt(classId))
    await this.#session.run(
      new Map<string, Tensor>([
        ...this.#fixed,
        [INPUTS.boxes, { type: 'float32', dims: [rows, 4], data: corners }],
        [INPUTS.classes, { type: 'int64', dims: [rows], data: classes }],
        [
          INPUTS.prior,
          { type: 'float32', dims: [rows, this.#grid.cells], data: centrePrior(boxes, this.#grid) },
        ],
      ]),
      this.#into,
    )
    const [box = 0, objectness = 0, classLoss = 0, matched = 0] = this.#sums
    return { box, objectness, classes: classLoss, matched }
  }

  release(): Promise<void> {
    return this.#session.release()
  }
}

/**
 * One thread: two sessions of one thread each do 19 pictures a second where one session of two threads does 7. Memory
 * is not planned ahead: the plan keeps 80 MB more for each worker.
 */
const SESSION = { threads: 1, plansMemory: false }
