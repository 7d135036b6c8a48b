import { type PyDict, PyObject, type PyValue } from '../pickle/values.ts'
import { Tensor } from '../tensor.ts'

/**
 * The dictionary of tensors in a checkpoint that holds no network, by the keys of the trainers: averaged weights
 * first. Names lose the beginnings that DataParallel and `torch.compile` put before them.
 */
export function weightsOf(root: PyDict): PyDict | undefined {
  const inside = (value: PyValue | undefined, key: string) =>
    value instanceof Map ? value.get(key) : undefined
  const candidates = [
    inside(root.get('ema'), 'module'),
    root.get('ema_net'),
    root.get('ema'),
    root.get('ema_state_dict'),
    root.get('model'),
    root.get('state_dict'),
    root.get('model_state_dict'),
    root.get('net'),
    root.get('weights'),
    root,
  ]
  const found = candidates.map(dictionaryOf).find((candidate) => candidate !== undefined)
  return found === undefined ? undefined : plainNames(found)
}

/** A dictionary with tensors; an ordered one comes as an object when it carries attributes. */
function dictionaryOf(value: PyValue | undefined): PyDict | undefined {
  const dict = value instanceof PyObject ? value.attributes : value
  return dict instanceof Map && [...dict.values()].some((one) => one instanceof Tensor) ? dict : undefined
}

const WRAPPERS = ['module.', '_orig_mod.']

function plainNames(weights: PyDict): PyDict {
  let named = weights
  for (const wrapper of WRAPPERS) {
    const names = [...named.keys()]
    if (names.every((name) => typeof name === 'string' && name.startsWith(wrapper))) {
      named = new Map([...named].map(([name, value]) => [(name as string).slice(wrapper.length), value]))
    }
  }
  return named
}
