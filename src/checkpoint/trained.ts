import { corrupt, quoted, unsupported } from './limits.ts'
import { isModule } from './module.ts'
import { type PyDict, PyObject, type PyValue } from './pickle/values.ts'
import { foreignTrainer } from './trainers.ts'

/** The network of a checkpoint and the dictionary that the trainer put around it. */
export interface Trained {
  network: PyObject
  /** Empty when the network was saved alone. */
  around: PyDict
  /** Key that held the network, for messages. */
  from: 'ema' | 'model' | 'file'
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
  if (isModule(root)) {
    return { network: unwrapped(root), around: new Map(), from: 'file' }
  }
  if (root instanceof PyObject) {
    throw unsupported('a network or a dictionary with one', `an object of the class ${quoted(root.type)}`)
  }
  if (!(root instanceof Map)) {
    throw corrupt('a network or a dictionary with one', Array.isArray(root) ? 'a list' : 'another value')
  }
  for (const from of ['ema', 'model'] as const) {
    const value = root.get(from)
    if (isModule(value)) {
      return { network: unwrapped(value), around: root, from }
    }
  }
  const model = root.get('model')
  if (model instanceof PyObject) {
    throw unsupported('a network under "model"', `an object of the class ${quoted(model.type)}`)
  }
  throw foreignTrainer(root)
}

function unwrapped(network: PyObject): PyObject {
  let inner = network
  for (let depth = 0; depth < MAX_WRAPPERS; depth++) {
    const members = inner.attributes.get('_modules')
    const next =
      members instanceof Map ? (WRAPPERS.get(inner.type)?.map((key) => members.get(key)) ?? []) : []
    const found = [...next, ...(COMPILED.test(inner.type) ? inner.args : [])].find(isModule)
    if (found === undefined) {
      return inner
    }
    inner = found
  }
  return inner
}

const COMPILED = /^torch\._dynamo\.eval_frame\.OptimizedModule/

/** Classes that hold the network as a part of this name. */
const WRAPPERS = new Map<string, string[]>([
  ['torch.nn.parallel.data_parallel.DataParallel', ['module']],
  ['torch.nn.parallel.distributed.DistributedDataParallel', ['module']],
  ['torch.optim.swa_utils.AveragedModel', ['module']],
  ['torch._dynamo.eval_frame.OptimizedModule', ['_orig_mod']],
  ['models.common.AutoShape', ['model']],
  ['models.common.DetectMultiBackend', ['model']],
])
