import { BoxletError } from '../../errors.ts'
import type { KnownShapes } from '../../onnx/shapes/shape-values.ts'
import { OPSET } from '../../onnx/write/write-model.ts'
import { type Draft, type DraftNode, hasBody } from '../graph/draft.ts'
import type { Counts } from './counts.ts'
import { LIFT_RULES, type Lift } from './lift-rules.ts'

/** Operators before this one broadcast by attributes; exporters have not written it since 2018. */
const OLDEST_OPSET = 7

/**
 * Writes the graph for operator set 17, operator by operator. A graph with branches or local functions keeps its own,
 * since what is inside them would have to change with it.
 *
 * @returns the reason where the operator set stays
 * @throws BoxletError MODEL_UNSUPPORTED for a graph that is older than all rules
 */
export function liftOpset(draft: Draft, known: KnownShapes, counts: Counts): string | undefined {
  const from = draft.opsets.get('') ?? 0
  if (from >= OPSET) {
    return undefined
  }
  if (from < OLDEST_OPSET) {
    throw new BoxletError(
      'MODEL_UNSUPPORTED',
      `Expected operator set ${OLDEST_OPSET} or newer but received ${from}.`,
      { hint: `Export the model again with opset_version=${OPSET}.` },
    )
  }
  if (draft.functions.length > 0 || draft.nodes.some(hasBody)) {
    return `operator set ${from} stays, as branches and functions inside the file are written for it`
  }
  const lifted: DraftNode[] = []
  const at: Lift = { draft, known, from }
  for (const node of draft.nodes) {
    const rule = LIFT_RULES.find(({ ops, before }) => from < before && ops.includes(node.op))
    const made = rule?.lift(node, at)
    if (made !== undefined) {
      counts.lifted++
    }
    lifted.push(...(made ?? [node]))
  }
  draft.nodes = lifted
  draft.opsets.set('', OPSET)
  return undefined
}
