import type { DetectOptions, DetectorLike } from '../../detector/types.ts'

/** Below this, a model that has seen pictures before says nothing of one that it knows. */
const LEAST_SCORE = 0.01
/** Pictures without any object are looked at twice until one shows that the model is alive. */
const MAX_CHECKED = 8

/**
 * Tells a model that sees nothing at all from pictures that show nothing: of the first ones without an object, it asks
 * again for anything above 0.01. One answer is enough, so that a model that is alive costs a run more at most.
 */
export class SilenceWatch {
  readonly #detector: DetectorLike
  #alive = false
  #checked = 0
  #silent = 0

  constructor(detector: DetectorLike) {
    this.#detector = detector
  }

  /** @param found objects of the picture under the options of the call */
  async look(picture: Uint8Array, found: number, options: DetectOptions): Promise<void> {
    if (this.#alive || found > 0) {
      this.#alive = true
      return
    }
    if (this.#checked >= MAX_CHECKED || options.signal?.aborted) {
      return
    }
    this.#checked++
    const { image } = options
    const again = this.#detector.detect(picture, {
      minScore: LEAST_SCORE,
      ...(image === undefined ? {} : { image }),
    })
    // What goes wrong here went well before, so it is no matter of silence.
    const count = await again.then(({ detections }) => detections.length).catch(() => 1)
    if (count > 0) {
      this.#alive = true
    } else {
      this.#silent++
    }
  }

  /** What to say at the end, once; undefined where there is nothing to say. */
  word(model: string): string | undefined {
    if (this.#alive || this.#silent === 0) {
      return undefined
    }
    return `nothing above ${LEAST_SCORE} in any picture: the model or its contract may be broken. "boxlet model doctor ${model} --image PICTURE" finds out.`
  }
}
