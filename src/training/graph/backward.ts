import { BoxletError } from '../../errors.ts'
import { GRADIENT_RULES } from '../gradients/rules.ts'
import type { Graph, GraphNode } from './graph.ts'

/**
 * Appends the backward pass to a graph: reverse-mode differentiation, from the gradients of some values back to the
 * values that learn. Nothing is added before the first of them, so that a frozen beginning is only run forward.
 *
 * source  Baydin, Pearlmutter, Radul, Siskind: Automatic Differentiation in Machine Learning: a Survey (2018)
 *
 * @param seeds gradient of the loss with respect to each value that the loss reads, by value name
 * @param learned names of the values whose gradients are wanted
 * @returns value names of the gradients, by name of the learned value
 * @throws BoxletError MODEL_UNSUPPORTED for an operator without a gradient rule
 */
export function appendBackward(
  graph: Graph,
  forward: readonly GraphNode[],
  seeds: ReadonlyMap<string, string>,
  learned: ReadonlySet<string>,
): Map<string, string> {
  const producers = new Map<string, GraphNode>()
  const dependent = new Set(learned)
  for (const node of forward) {
    for (const output of node.outputs) {
      producers.set(output, node)
      if (node.inputs.some((name) => dependent.has(name))) {
        dependent.add(output)
      }
    }
  }
  const collected = new Map<string, string[]>()
  const collect = (name: string, gradient: string | undefined) => {
    if (gradient !== undefined && dependent.has(name)) {
      collected.set(name, [...(collected.get(name) ?? []), gradient])
    }
  }
  for (const [name, gradient] of seeds) {
    collect(name, gradient)
  }
  for (const node of forward.toReversed()) {
    const upstream = total(graph, collected, node.outputs[0]!)
    if (upstream === undefined || !node.inputs.some((name) => dependent.has(name))) {
      continue
    }
    const rule = GRADIENT_RULES.get(node.op)
    if (rule === undefined) {
      throw new BoxletError(
        'MODEL_UNSUPPORTED',
        `Expected layers with a known gradient in the part that learns but received "${node.op}".`,
        { hint: `Known are ${[...GRADIENT_RULES.keys()].join(', ')}.` },
      )
    }
    const gradients = rule({
      graph,
      node,
      upstream,
      wants: (name) => dependent.has(name),
      producer: (name) => producers.get(name),
    })
    node.inputs.forEach((name, at) => {
      collect(name, gradients[at])
    })
  }
  const result = new Map<string, string>()
  for (const name of learned) {
    const gradient = total(graph, collected, name)
    if (gradient !== undefined) {
      result.set(name, gradient)
    }
  }
  return result
}

/** A value that is read in several places takes the sum of what comes back from each. */
function total(graph: Graph, collected: Map<string, string[]>, name: string): string | undefined {
  const parts = collected.get(name)
  if (parts === undefined || parts.length === 1) {
    return parts?.[0]
  }
  const sum = graph.op('Sum', parts, {}, graph.shape(name))
  collected.set(name, [sum])
  return sum
}
