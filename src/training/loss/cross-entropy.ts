import type { Graph } from '../graph/graph.ts'
import { maths } from '../graph/maths.ts'
import type { Loss } from './iou-loss.ts'

/**
 * Binary cross entropy of logits with targets 0–1: log(1 + eˣ) − target · x, whose slope is σ(x) − target.
 *
 * source  Goodfellow, Bengio, Courville: Deep Learning (2016), section 6.2.2.2
 */
export function crossEntropy(graph: Graph, logits: string, targets: string): Loss {
  const { sub, mul, one } = maths(graph)
  return {
    value: sub(one('Softplus', logits), mul(targets, logits)),
    gradient: sub(one('Sigmoid', logits), targets),
  }
}
