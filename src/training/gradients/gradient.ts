import type { Graph, GraphNode } from '../graph/graph.ts'

/** What a gradient rule is given: the node and the gradient of the loss with respect to its first output. */
export interface Step {
  graph: Graph
  node: GraphNode
  /** Value of the same shape as the output. */
  upstream: string
  /** Whether something that learns depends on this value; gradients of others need not be made. */
  wants(value: string): boolean
  /** The node that made a value. */
  producer(value: string): GraphNode | undefined
}

/** Value name of the gradient of each input; undefined where none flows or none is wanted. */
export type Gradients = readonly (string | undefined)[]

/** The backward pass of one operator: appends nodes to the graph and names the gradients of the inputs. */
export type GradientRule = (step: Step) => Gradients
