import { type Draft, type DraftNode, elementsOf, int, ints } from '../graph/draft.ts'
import { bypass, dropUnused, mergeDuplicates } from '../graph/rewire.ts'
import type { Counts } from './counts.ts'

/** Takes out what computes nothing. Cheap, so that it may run between other passes. */
export function tidy(draft: Draft, counts: Counts): void {
  counts.passed += bypass(draft, (node) => (handsOn(node, draft) ? node.inputs[0] : undefined))
  const merged = mergeDuplicates(draft)
  counts.duplicates += merged.nodes + merged.constants
  counts.unused += dropUnused(draft).nodes
}

/** True when the first output is the first input, whatever comes. */
function handsOn(node: DraftNode, draft: Draft): boolean {
  switch (node.op) {
    case 'Identity':
      return true
    case 'Dropout': {
      // With the third input a graph in training drops.
      const training = node.inputs[2]
      return training === undefined || training === '' || draft.constants.get(training)?.data[0] === 0
    }
    case 'Concat':
    case 'Sum':
    case 'Max':
    case 'Min':
      return node.inputs.length === 1
    case 'Transpose':
      return ints(node, 'perm')?.every((axis, index) => axis === index) === true
    case 'Pad': {
      const pads = node.inputs[1] === undefined ? ints(node, 'pads') : zeros(draft, node.inputs[1])
      return pads?.every((value) => value === 0) === true
    }
    case 'AveragePool':
    case 'MaxPool':
      return isSinglePixel(node)
    default:
      return false
  }
}

/** Pads as whole numbers, as far as they are constant. */
function zeros(draft: Draft, name: string): number[] | undefined {
  const tensor = draft.constants.get(name)
  return tensor?.type === 'int64' && elementsOf(tensor) > 0 ? [...tensor.data] : undefined
}

const isSinglePixel = (node: DraftNode): boolean =>
  [ints(node, 'kernel_shape') ?? [0], ints(node, 'strides') ?? [1]].flat().every((size) => size === 1) &&
  (ints(node, 'pads') ?? []).every((size) => size === 0) &&
  (int(node, 'ceil_mode') ?? 0) === 0
