import {
  corrupt,
  MAX_MODULE_CALLS,
  MAX_MODULE_DEPTH,
  MAX_PART_CHARACTERS,
  quoted,
  tooLarge,
  unsupported,
} from './limits.ts'
import { type PyDict, PyObject, type PyValue } from './pickle/values.ts'
import { Tensor } from './tensor.ts'

/** What of a network was used: in the end, that has to be all of it. */
export class Usage {
  readonly tensors = new Set<Tensor>()
  readonly modules = new Set<PyObject>()
  #calls = 0

  enter(object: PyObject): void {
    this.modules.add(object)
    if (++this.#calls > MAX_MODULE_CALLS) {
      throw tooLarge('calls of modules', MAX_MODULE_CALLS, 'more')
    }
  }
}

/** One module of the network, with the path by which PyTorch calls it: `model.2.m.0.cv1`. */
export class Module {
  readonly path: string
  readonly usage: Usage
  readonly #object: PyObject
  readonly #depth: number

  constructor(object: PyObject, path: string, usage: Usage, depth = 0) {
    if (depth > MAX_MODULE_DEPTH) {
      throw tooLarge('modules inside each other', MAX_MODULE_DEPTH, 'more')
    }
    this.#object = object
    this.path = path
    this.usage = usage
    this.#depth = depth
  }

  /** Full name of the class, `torch.nn.modules.conv.Conv2d`. */
  get type(): string {
    return this.#object.type
  }

  /** Last part of it. */
  get name(): string {
    return this.type.slice(this.type.lastIndexOf('.') + 1)
  }

  /** Says that the module takes part in the run. */
  use(): this {
    this.usage.enter(this.#object)
    return this
  }

  /** @throws BoxletError MODEL_UNSUPPORTED when there is none: the class is not the one that is known by this name */
  child(name: string): Module {
    const child = this.optional(name)
    if (child === undefined) {
      throw this.unknown(`a part ${quoted(name)}`, 'none')
    }
    return child
  }

  optional(name: string): Module | undefined {
    const child = dictOf(this.#object, '_modules').get(name)
    return child instanceof PyObject ? this.#at(child, name) : undefined
  }

  has(name: string): boolean {
    return this.optional(name) !== undefined
  }

  /** Parts of a Sequential or ModuleList, in order. */
  children(): Module[] {
    const children: Module[] = []
    for (const [name, child] of dictOf(this.#object, '_modules')) {
      if (child instanceof PyObject) {
        children.push(this.#at(child, nameOf(name)))
      }
    }
    return children
  }

  #at(object: PyObject, name: string): Module {
    return new Module(object, this.path === '' ? name : `${this.path}.${name}`, this.usage, this.#depth + 1)
  }

  /** A parameter, buffer or attribute that has to be there. */
  tensor(name: string): Tensor {
    const tensor = this.optionalTensor(name)
    if (tensor === undefined) {
      throw this.unknown(`a tensor ${quoted(name)}`, 'none')
    }
    return tensor
  }

  optionalTensor(name: string): Tensor | undefined {
    for (const value of [
      dictOf(this.#object, '_parameters').get(name),
      dictOf(this.#object, '_buffers').get(name),
      this.#object.attributes.get(name),
    ]) {
      if (value instanceof Tensor) {
        this.usage.tensors.add(value)
        return value
      }
    }
    return undefined
  }

  attribute(name: string): PyValue | undefined {
    return this.#object.attributes.get(name)
  }

  number(name: string): number {
    const value = this.attribute(name)
    if (typeof value !== 'number' || !Number.isFinite(value)) {
      throw this.unknown(`a number ${quoted(name)}`, kindOf(value))
    }
    return value
  }

  /** A whole number from 0 on. */
  count(name: string): number {
    const value = this.number(name)
    if (!Number.isSafeInteger(value) || value < 0) {
      throw this.unknown(`a whole number ${quoted(name)}`, `${value}`)
    }
    return value
  }

  /** `flag` of classes that had it from the beginning. */
  flag(name: string): boolean {
    const value = this.attribute(name)
    if (typeof value !== 'boolean') {
      throw this.unknown(`True or False for ${quoted(name)}`, kindOf(value))
    }
    return value
  }

  /** A pair of sizes; one number stands for both. */
  pair(name: string): [number, number] {
    const value = this.attribute(name)
    const pair = Array.isArray(value) ? value : [value, value]
    if (pair.length !== 2 || !pair.every((item) => Number.isSafeInteger(item) && (item as number) >= 0)) {
      throw this.unknown(`one or two whole numbers for ${quoted(name)}`, kindOf(value))
    }
    return pair as [number, number]
  }

  /** The error for a module that is not what its name promises. */
  unknown(expected: string, received: string) {
    return unsupported(`${expected} in ${this.name} at ${quoted(this.path)}`, received, FORK_HINT)
  }
}

const FORK_HINT =
  'The file may be of a fork that changed this class. Export it to ONNX where it was trained (Ultralytics: ' +
  '"yolo export model=best.pt format=onnx") and use that file.'

/** Parts that take no share in the result: counters of training, and what only the loss looks at. */
const COUNTER = 'num_batches_tracked'

/**
 * Parts of the tree that the conversion did not use.
 *
 * @param exempt paths, with all below them, that are left out on purpose
 */
export function unusedParts(root: Module, rootObject: PyObject, exempt: ReadonlySet<string>): string[] {
  const unused: string[] = []
  const seen = new Set<PyObject>()
  const visit = (object: PyObject, path: string, depth: number) => {
    if (depth > MAX_MODULE_DEPTH || seen.size > MAX_MODULE_CALLS) {
      throw tooLarge('modules', MAX_MODULE_CALLS, 'more')
    }
    if (seen.has(object) || exempt.has(path)) {
      return
    }
    seen.add(object)
    for (const member of ['_parameters', '_buffers']) {
      for (const [name, value] of dictOf(object, member)) {
        const isUsed = value instanceof Tensor && root.usage.tensors.has(value)
        // What stands for a tensor and is none, as wrapped ones do, was not read either.
        if (value !== null && name !== COUNTER && !isUsed) {
          unused.push(path === '' ? nameOf(name) : `${path}.${nameOf(name)}`)
        }
      }
    }
    for (const [name, child] of dictOf(object, '_modules')) {
      if (child instanceof PyObject) {
        visit(child, path === '' ? nameOf(name) : `${path}.${nameOf(name)}`, depth + 1)
      }
    }
  }
  visit(rootObject, root.path, 0)
  return unused
}

/** Members of a module: its parameters, buffers and parts. */
function dictOf(object: PyObject, name: string): PyDict {
  const dict = object.attributes.get(name)
  return dict instanceof Map ? dict : NO_MEMBERS
}

/** A key of such a dictionary. Lists as keys could be nested so that their text has no end. */
function nameOf(key: PyValue): string {
  if (typeof key !== 'string') {
    throw corrupt('parts that are named by text', 'another name')
  }
  if (key.length > MAX_PART_CHARACTERS) {
    throw tooLarge('characters of the name of a part', MAX_PART_CHARACTERS, key.length)
  }
  return key
}

const NO_MEMBERS: PyDict = new Map()

export const isModule = (value: PyValue | undefined): value is PyObject =>
  value instanceof PyObject && value.attributes.get('_modules') instanceof Map

function kindOf(value: PyValue | undefined): string {
  if (value === undefined) {
    return 'none'
  }
  return typeof value === 'object'
    ? value === null
      ? 'None'
      : 'another value'
    : `${typeof value} ${quoted(String(value))}`
}
