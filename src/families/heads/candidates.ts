import type { Candidates } from '../../boxes/detection.ts'

/** Grows as rows are added, so that a head of 8,400 rows with ten hits costs ten rows. */
export class CandidateList {
  #boxes = new Float32Array(4 * 64)
  #scores = new Float32Array(64)
  #classIds = new Int32Array(64)
  /** Row of the head that each candidate came from, for what else is read at that row. */
  #rows = new Int32Array(64)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** Corners in pixels of the frame that `finish` will name. */
  add(x1: number, y1: number, x2: number, y2: number, score: number, classId: number, row: number): void {
    if (this.#count === this.#scores.length) {
      this.#grow()
    }
    const at = this.#count++
    this.#boxes.set([x1, y1, x2, y2], at * 4)
    this.#scores[at] = score
    this.#classIds[at] = classId
    this.#rows[at] = row
  }

  rows(): Int32Array {
    return this.#rows.subarray(0, this.#count)
  }

  finish(frame: Candidates['frame']): Candidates {
    return {
      count: this.#count,
      boxes: this.#boxes.subarray(0, this.#count * 4),
      scores: this.#scores.subarray(0, this.#count),
      classIds: this.#classIds.subarray(0, this.#count),
      frame,
    }
  }

  #grow(): void {
    const double = <T extends Float32Array | Int32Array>(from: T, to: T): T => {
      to.set(from)
      return to
    }
    this.#boxes = double(this.#boxes, new Float32Array(this.#boxes.length * 2))
    this.#scores = double(this.#scores, new Float32Array(this.#scores.length * 2))
    this.#classIds = double(this.#classIds, new Int32Array(this.#classIds.length * 2))
    this.#rows = double(this.#rows, new Int32Array(this.#rows.length * 2))
  }
}
