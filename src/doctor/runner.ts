import type { Candidates, Detection } from '../boxes/detection.ts'
import type { Letterbox } from '../boxes/letterbox.ts'
import type { LoadedModel } from '../detector/load.ts'
import {
  boxes,
  criteriaOf,
  decode,
  outputsOf,
  type PlacedPicture,
  place,
  prepare,
  type RunOutputs,
  run,
} from '../detector/pipeline.ts'
import type { RgbImage } from '../image/rgb-image.ts'
import type { Contract } from '../model/contract.ts'

/** Outputs kept for readings that differ only after the run; 64 of a COCO head of 640 are 180 MB. */
const MAX_KEPT_BYTES = 192 * 2 ** 20

export interface FoundRaw {
  candidates: Candidates
  letterbox: Letterbox
}

/**
 * Reads pictures with one model under many contracts. The session is opened once; readings that feed the same
 * tensor share the run.
 */
export class ContractRunner {
  readonly #model: LoadedModel
  readonly #kept = new Map<string, RunOutputs>()
  #keptBytes = 0

  /** @param model loaded as it is, so that the contract is that of the file's own outputs */
  constructor(model: LoadedModel) {
    this.#model = model
  }

  /** Detections by the usual path. */
  async detect(picture: RgbImage, key: string, contract: Contract, minScore: number): Promise<Detection[]> {
    const { candidates, letterbox } = await this.raw(picture, key, contract, minScore)
    return boxes(candidates, letterbox, contract, criteriaOf(contract, { minScore }))
  }

  /** What the family reads before suppression. @param key tells pictures apart */
  async raw(picture: RgbImage, key: string, contract: Contract, minScore: number): Promise<FoundRaw> {
    const placed = place(picture, contract)
    const { letterbox } = placed
    const outputs = outputsOf(contract, await this.#run(placed, key, contract))
    const criteria = { minScore, everyClass: false }
    return { candidates: decode(this.#model.family, contract, outputs, letterbox, criteria), letterbox }
  }

  async #run(placed: PlacedPicture, key: string, contract: Contract): Promise<RunOutputs> {
    const id = `${key} ${JSON.stringify(contract.input)}`
    const kept = this.#kept.get(id)
    if (kept !== undefined) {
      return kept
    }
    const { session } = this.#model
    const outputs = await run({ contract, session }, [prepare(placed, contract)])
    const bytes = [...outputs.tensors.values()].reduce((sum, tensor) => sum + tensor.data.byteLength, 0)
    if (this.#keptBytes + bytes <= MAX_KEPT_BYTES) {
      this.#kept.set(id, outputs)
      this.#keptBytes += bytes
    }
    return outputs
  }
}

/** The picture as in a mirror. */
export function mirrored({ width, height, data }: RgbImage): RgbImage {
  const turned = new Uint8Array(data.length)
  for (let y = 0; y < height; y++) {
    for (let x = 0, from = y * width * 3, to = from + (width - 1) * 3; x < width; x++, from += 3, to -= 3) {
      turned[to] = data[from]!
      turned[to + 1] = data[from + 1]!
      turned[to + 2] = data[from + 2]!
    }
  }
  return { width, height, data: turned }
}

/** Edge of a piece as a share of the longer edge: small enough that no object of note is left whole. */
const PIECE_SHARE = 1 / 40

/** The picture cut into square pieces in another order: its colours and edges without anything that they show. */
export function scrambled({ width, height, data }: RgbImage): RgbImage {
  const edge = Math.max(4, Math.round(Math.max(width, height) * PIECE_SHARE))
  const across = Math.floor(width / edge)
  const down = Math.floor(height / edge)
  const count = across * down
  // A Buffer, which decoders give, would share its memory with a slice.
  const pieces = new Uint8Array(data)
  // A stride without a common divisor visits every piece once, in the same order on every run.
  const stride = coprime(Math.floor(count * 0.618) || 1, count)
  for (let piece = 0; piece < count; piece++) {
    const source = (piece * stride + 1) % count
    for (let y = 0; y < edge; y++) {
      const from = ((Math.floor(source / across) * edge + y) * width + (source % across) * edge) * 3
      const to = ((Math.floor(piece / across) * edge + y) * width + (piece % across) * edge) * 3
      pieces.set(data.subarray(from, from + edge * 3), to)
    }
  }
  return { width, height, data: pieces }
}

function coprime(start: number, count: number): number {
  const divisor = (a: number, b: number): number => (b === 0 ? a : divisor(b, a % b))
  let stride = start
  while (divisor(stride, count) > 1) {
    stride++
  }
  return stride
}
