import { BoxletError } from '../../errors.ts'
import { addInts, type Draft, type DraftNode } from '../graph/draft.ts'
import { knownShapes } from './fold.ts'

/** Pixels of the model input. */
export interface InputSize {
  width: number
  height: number
}

/**
 * Fixes the sizes of the picture input.
 *
 * @param axes where batch, height and width lie in the shape of the input
 * @throws BoxletError USAGE where the file has another size written into it
 */
export function fixInput(
  draft: Draft,
  name: string,
  axes: { batch: number; height: number; width: number },
  size: InputSize | undefined,
  batch: number | undefined,
): void {
  const input = draft.inputs.find((one) => one.name === name)
  const shape = input?.shape === undefined ? undefined : [...input.shape]
  if (input === undefined || shape === undefined) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      `Expected a declared shape for the input "${name}" but there is none.`,
    )
  }
  const old = [...shape]
  if (size !== undefined) {
    for (const [axis, wanted, what] of [
      [axes.height, size.height, 'height'],
      [axes.width, size.width, 'width'],
    ] as const) {
      if (typeof old[axis] === 'number' && old[axis] !== wanted) {
        throw new BoxletError(
          'USAGE',
          `Expected the ${what} ${old[axis]} that is written into the file for --input but received ${wanted}.`,
          {
            hint: 'Add --dynamic to free the size where that can be done, or export again with the other size.',
          },
        )
      }
      shape[axis] = wanted
    }
  }
  if (batch !== undefined) {
    shape[axes.batch] = batch
    if (typeof old[axes.batch] === 'number' && old[axes.batch] !== batch) {
      freeBatch(draft, old[axes.batch] as number)
    }
  }
  input.shape = shape
  // What was declared of the outputs was declared for the sizes of before.
  const { shapes } = knownShapes(draft)
  draft.outputs = draft.outputs.map((output) => {
    const known = shapes.get(output.name)
    return {
      ...output,
      shape: known ?? output.shape?.map((edge, axis) => (axis === 0 && batch !== undefined ? batch : edge)),
    }
  })
}

/** Reshapes that begin with the batch take it from what they get instead. */
function freeBatch(draft: Draft, old: number): void {
  const { shapes, values } = knownShapes(draft)
  for (const node of draft.nodes) {
    const target = node.op === 'Reshape' ? values.get(node.inputs[1] ?? '') : undefined
    const from = shapes.get(node.inputs[0] ?? '')
    if (
      target !== undefined &&
      from !== undefined &&
      target[0] === old &&
      from[0] === old &&
      target.length > 1
    ) {
      freeFirst(draft, node, target)
    }
  }
}

function freeFirst(draft: Draft, node: DraftNode, target: readonly number[]): void {
  node.inputs = [node.inputs[0]!, addInts(draft, `${node.outputs[0]}.shape`, [0, ...target.slice(1)])]
}
