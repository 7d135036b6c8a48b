import { corrupt, quoted, unsupported } from './limits.ts'
import { isModule } from './module.ts'
import { type PyDict, PyObject, type PyValue } from './pickle/values.ts'
import { foreignTrainer } from './trainers.ts'
import { exportHint } from './ways.ts'
import { WEIGHT_FAMILIES } from './weights/families.ts'
import type { WeightFamily } from './weights/family.ts'
import { weightsOf } from './weights/find.ts'
import { treeOf } from './weights/tree.ts'

/** The network of a checkpoint and the dictionary that the trainer put around it. */
export interface Trained {
  network: PyObject
  /** Empty when the network was saved alone. */
  around: PyDict
  /** Builds the network where the file holds weights alone. */
  family?: WeightFamily
}

/** Wrappers deeper than this are no wrappers. */
const MAX_WRAPPERS = 4

/**
 * Finds the network: the averaged weights before the last ones, as every trainer does; out of the wrappers of
 * `torch.compile` and DataParallel.
 *
 * @throws BoxletError MODEL_UNSUPPORTED for weights without a network, naming the way of their trainer
 */
export function findNetwork(root: PyValue): Trained {
  const whole = unwrapped(root)
  if (isModule(whole)) {
    return { network: whole, around: new Map() }
  }
  if (root instanceof PyObject) {
    throw unsupported('a network or a dictionary with one', `an object of the class ${quoted(root.type)}`)
  }
  if (!(root instanceof Map)) {
    throw corrupt('a network or a dictionary with one', Array.isArray(root) ? 'a list' : 'another value')
  }
  for (const key of ['ema', 'model']) {
    const network = unwrapped(root.get(key))
    if (isModule(network)) {
      return { network, around: root }
    }
  }
  const model = root.get('model')
  if (model instanceof PyObject) {
    throw unsupported(
      'a network under "model"',
      `an object of the class ${quoted(model.type)}`,
      exportHint(model.type),
    )
  }
  return fromWeights(root)
}

/** Some networks follow from the names and shapes of their weights. */
function fromWeights(root: PyDict): Trained {
  const weights = weightsOf(root)
  const family = weights === undefined ? undefined : WEIGHT_FAMILIES.find(({ holds }) => holds(weights))
  if (weights === undefined || family === undefined) {
    throw foreignTrainer(root, weights)
  }
  const { name: network, epsilon, heads } = family
  return { network: treeOf(weights, { network, epsilon, heads }), around: root, family }
}

/** What is inside the wrappers of training and compiling. */
function unwrapped(value: PyValue | undefined): PyValue | undefined {
  let inner = value
  for (let depth = 0; depth < MAX_WRAPPERS && inner instanceof PyObject; depth++) {
    const keys = WRAPPERS.get(inner.type)
    if (keys === undefined) {
      break
    }
    const members = inner.attributes.get('_modules')
    const held = members instanceof Map ? keys.map((key) => members.get(key)) : []
    // A compiled network is kept as the argument of its wrapper.
    const next = [...held, ...inner.args].find((one) => one instanceof PyObject)
    if (next === undefined) {
      break
    }
    inner = next
  }
  return inner
}

/** Classes that hold the network as a part of this name. */
const WRAPPERS = new Map<string, string[]>([
  ['torch.nn.parallel.data_parallel.DataParallel', ['module']],
  ['torch.nn.parallel.distributed.DistributedDataParallel', ['module']],
  ['torch.optim.swa_utils.AveragedModel', ['module']],
  ['torch._dynamo.eval_frame.OptimizedModule', ['_orig_mod']],
  ['models.common.AutoShape', ['model']],
  ['models.common.DetectMultiBackend', ['model']],
])
