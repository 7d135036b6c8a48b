import { Kernel, type KernelMemory } from '../../system/kernel.ts'
import { BEST_CLASS_WASM } from './best-class-wasm.ts'

/** Cells that a vector compares at once. */
const LANES = 4

interface BestClassKernel {
  memory: KernelMemory
  keepBest(scores: number, best: number, ids: number, cells: number, id: number): void
  cellsWithClass(ids: number, cells: number, out: number): number
}

const kernel = new Kernel<BestClassKernel>(BEST_CLASS_WASM)

/**
 * The best class of each cell above the threshold, along the memory: class by class: half a million
 * comparisons for a picture of the usual size.
 *
 * @param scores [classes, cells]
 * @returns the cells where a class is above `threshold`, and best score and class of every cell, −1 where there is
 * none; valid until the next call
 */
export function bestClasses(
  scores: Float32Array,
  cells: number,
  classes: number,
  threshold: number,
): { hits: Int32Array; best: Float32Array; classIds: Int32Array } {
  const padded = Math.ceil(cells / LANES) * LANES
  const bytes = padded * 4
  const { memory, keepBest, cellsWithClass } = kernel.open(3 * bytes)
  const row = new Float32Array(memory.buffer, 0, padded)
  const best = new Float32Array(memory.buffer, bytes, padded).fill(threshold)
  const classIds = new Int32Array(memory.buffer, 2 * bytes, padded).fill(-1)
  for (let id = 0; id < classes; id++) {
    row.set(scores.subarray(id * cells, (id + 1) * cells))
    keepBest(0, bytes, 2 * bytes, padded, id)
  }
  // The row has served; the list takes its place.
  const hits = new Int32Array(memory.buffer, 0, cellsWithClass(2 * bytes, cells, 0))
  // The arrays hold their memory, whether the kernel keeps it or not.
  kernel.trim()
  return { hits, best: best.subarray(0, cells), classIds: classIds.subarray(0, cells) }
}
