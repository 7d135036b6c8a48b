import { corrupt, MAX_MODULE_DEPTH, quoted, tooLarge, unsupported } from '../limits.ts'
import { type PyDict, PyObject, type PyValue } from '../pickle/values.ts'
import { Tensor } from '../tensor.ts'

/** What the names and shapes of weights do not tell. */
export interface TreeFacts {
  /** Stands for the class of the network. */
  network: string
  /** Added to the variance by the batch norms of the network. */
  epsilon: number
  /** Heads of its attention, if it has any. */
  heads: number
}

/** Added to the variance by `torch.nn.LayerNorm`, where nobody says otherwise. */
const LAYER_NORM_EPSILON = 1e-5

/** Parts and tensors whose names begin alike. */
interface Branch {
  parts: Map<string, Branch>
  tensors: Map<string, Tensor>
}

/**
 * The tree of modules that a dictionary of weights was taken from: `a.b.weight` is the parameter `weight` of the
 * part `b` of the part `a`. Filters have stride 1 and keep the size of the picture; where a network does
 * otherwise, its family says so.
 *
 * @throws BoxletError MODEL_CORRUPT or MODEL_LIMIT
 */
export function treeOf(weights: PyDict, facts: TreeFacts): PyObject {
  const root = branch()
  for (const [name, value] of weights) {
    if (typeof name === 'string' && value instanceof Tensor) {
      place(root, name.split('.'), value)
    } else if (typeof name === 'string' && value instanceof PyObject) {
      throw unsupported('weights that are tensors', `an object of ${quoted(value.type)} for ${quoted(name)}`)
    }
  }
  return moduleOf(root, facts, facts.network)
}

const branch = (): Branch => ({ parts: new Map(), tensors: new Map() })

function place(root: Branch, path: readonly string[], value: Tensor): void {
  if (path.length > MAX_MODULE_DEPTH) {
    throw tooLarge('modules inside each other', MAX_MODULE_DEPTH, path.length)
  }
  let at = root
  for (const name of path.slice(0, -1)) {
    const next = at.parts.get(name) ?? branch()
    at.parts.set(name, next)
    at = next
  }
  const name = path.at(-1)!
  if (at.tensors.has(name)) {
    throw corrupt('weights with names of their own', 'two of one name')
  }
  at.tensors.set(name, value)
}

function moduleOf({ parts, tensors }: Branch, facts: TreeFacts, network?: string): PyObject {
  const { type, attributes } = kindOf(tensors, facts)
  const object = new PyObject(network ?? type, [])
  object.state = new Map<PyValue, PyValue>([
    ['_modules', new Map(inOrder(parts).map(([name, inner]) => [name, moduleOf(inner, facts)]))],
    ['_parameters', new Map(tensors)],
    ...Object.entries(attributes),
  ])
  return object
}

/** Parts of a sequence by their numbers: tools that sort names put 10 before 2. */
const inOrder = (parts: ReadonlyMap<string, Branch>): [string, Branch][] => {
  const numbered = [...parts.keys()].every((name) => /^\d+$/.test(name))
  return numbered ? [...parts].sort(([a], [b]) => Number(a) - Number(b)) : [...parts]
}

interface Kind {
  type: string
  attributes: Readonly<Record<string, PyValue>>
}

const CONTAINER: Kind = { type: 'torch.nn.modules.container.Sequential', attributes: {} }

/** The class that holds such tensors, and the attributes that follow from their shapes. */
function kindOf(tensors: ReadonlyMap<string, Tensor>, { epsilon, heads }: TreeFacts): Kind {
  if (tensors.has('running_mean')) {
    return { type: 'torch.nn.modules.batchnorm.BatchNorm2d', attributes: { eps: epsilon } }
  }
  if (tensors.has('in_proj_weight')) {
    return { type: 'torch.nn.modules.activation.MultiheadAttention', attributes: { num_heads: heads } }
  }
  const { shape } = tensors.get('weight') ?? { shape: [] }
  switch (shape.length) {
    case 4:
      return { type: 'torch.nn.modules.conv.Conv2d', attributes: filterAttributes(shape) }
    case 2:
      return { type: 'torch.nn.modules.linear.Linear', attributes: {} }
    case 1:
      return {
        type: 'torch.nn.modules.normalization.LayerNorm',
        attributes: { eps: LAYER_NORM_EPSILON },
      }
    default:
      return CONTAINER
  }
}

function filterAttributes([outputs = 0, inputs = 0, height = 1, width = 1]: readonly number[]) {
  // A filter of one input channel and several outputs works on each channel apart.
  const groups = inputs === 1 && outputs > 1 ? outputs : 1
  return {
    in_channels: inputs * groups,
    kernel_size: [height, width],
    stride: [1, 1],
    padding: [(height - 1) >> 1, (width - 1) >> 1],
    dilation: [1, 1],
    groups,
  }
}
