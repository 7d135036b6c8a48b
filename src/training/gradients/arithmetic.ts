import type { Gradients, Step } from './gradient.ts'

/**
 * Product of two values of one shape. x · σ(x), the SiLU of Elfwing et al. (2017) and Ramachandran et al. (2017),
 * is taken as one function, y′ = σ + y (1 − σ): four nodes where the rules of its parts make seven.
 */
export function mulGradient(step: Step): Gradients {
  const { graph, node, upstream, wants } = step
  const [a, b] = node.inputs as [string, string]
  const gate = [a, b].findIndex((name, at) => isGateOf(step, name, [b, a][at]!))
  if (gate >= 0) {
    const sigma = [a, b][gate]!
    const x = [b, a][gate]!
    if (!wants(x)) {
      return [undefined, undefined]
    }
    const rest = graph.op('Sub', [graph.scalar(1), sigma])
    const slope = graph.op('Add', [sigma, graph.op('Mul', [node.outputs[0]!, rest])])
    const whole = graph.op('Mul', [upstream, slope], {}, graph.shape(x))
    // All of it goes to x; nothing is left for the gate, whose gradient would arrive at x a second time.
    return gate === 0 ? [undefined, whole] : [whole, undefined]
  }
  requireOneShape(step)
  return [
    wants(a) ? graph.op('Mul', [upstream, b], {}, graph.shape(a)) : undefined,
    wants(b) ? graph.op('Mul', [upstream, a], {}, graph.shape(b)) : undefined,
  ]
}

export function addGradient(step: Step): Gradients {
  requireOneShape(step)
  return step.node.inputs.map((name) => (step.wants(name) ? step.upstream : undefined))
}

function isGateOf({ producer }: Step, gate: string, x: string): boolean {
  const node = producer(gate)
  return node?.op === 'Sigmoid' && node.inputs[0] === x
}

/** A value that is repeated along an axis would need its gradient summed there. */
function requireOneShape({ graph, node }: Step): void {
  const shapes = node.inputs.map((name) => graph.shape(name).join('×'))
  if (new Set(shapes).size > 1) {
    throw new TypeError(`no gradient for ${node.op} of ${shapes.join(' and ')}`)
  }
}
