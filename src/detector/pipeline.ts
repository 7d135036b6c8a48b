/**
 * The journey of a picture, the only place that sees all of it:
 *
 *   fit → tensor → run → decode → boxes
 *
 * Detecting takes every step; what settles a contract stops after the run, and the doctor reads one run in many ways.
 */

import type { Candidates, Detection } from '../boxes/detection.ts'
import type { Letterbox } from '../boxes/letterbox.ts'
import type { Family, RoleTensors } from '../families/family.ts'
import { checkPlausible, decodeWith } from '../families/guard.ts'
import { toTensor } from '../image/tensor.ts'
import type { Contract } from '../model/contract.ts'
import type { Tensor } from '../model/tensor.ts'
import type { Session } from '../runtime/session.ts'
import { fixedBatch } from './batch.ts'
import { type Criteria, toDetections } from './boxes.ts'
import { feeds, type PreparedPicture } from './feeds.ts'
import type { PlacedPicture } from './fit.ts'
import { partOfBatch, rolesOf } from './roles.ts'

export { type Criteria, criteriaOf } from './boxes.ts'
export { type PlacedPicture, place } from './fit.ts'

/** A graph that is open, and what it expects and gives. */
export interface OpenedModel {
  contract: Contract
  session: Pick<Session, 'inputs' | 'run'>
}

/** What one run gave, by the names of the graph, for one picture or a batch of them. */
export interface RunOutputs {
  tensors: ReadonlyMap<string, Tensor>
  /** Pictures that the outputs hold along their first axis; 1 where there is no such axis. */
  batch: number
}

/** tensor; `into` is memory of the same length to use again */
export const prepare = (
  { pixels, letterbox }: PlacedPicture,
  contract: Contract,
  into?: PreparedPicture['data'],
): PreparedPicture => ({ letterbox, data: toTensor(pixels, letterbox, contract.input, into) })

/** run, of one picture or of several whose inputs have one size */
export async function run(model: OpenedModel, pictures: readonly PreparedPicture[]): Promise<RunOutputs> {
  const batch = Math.max(pictures.length, fixedBatch(model))
  return { tensors: await model.session.run(feeds(model.contract, pictures, batch)), batch }
}

/** Outputs of one picture by role. @throws BoxletError MODEL_OUTPUT */
export const outputsOf = (contract: Contract, { tensors, batch }: RunOutputs, index = 0): RoleTensors =>
  partOfBatch(rolesOf(contract, tensors), index, batch)

/** decode. @throws BoxletError MODEL_OUTPUT */
export const decode = (
  family: Family,
  contract: Contract,
  outputs: RoleTensors,
  letterbox: Letterbox,
  { minScore, everyClass }: Pick<Criteria, 'minScore' | 'everyClass'>,
): Candidates => decodeWith(family, outputs, { contract, letterbox, minScore, everyClass })

/**
 * decode, for those who want boxes and no reasons: stops at scores and boxes that cannot be.
 *
 * @throws BoxletError MODEL_OUTPUT
 */
export function decodePlausible(...step: Parameters<typeof decode>): Candidates {
  const [, contract, , letterbox, { minScore, everyClass }] = step
  const candidates = decode(...step)
  checkPlausible(candidates, { contract, letterbox, minScore, everyClass })
  return candidates
}

/** boxes, in pixels of the upright original picture, best first */
export const boxes: (
  candidates: Candidates,
  letterbox: Letterbox,
  contract: Contract,
  criteria: Criteria,
) => Detection[] = toDetections
