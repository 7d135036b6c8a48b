import { corrupt, MAX_COPIED, tooLarge } from '../limits.ts'
import { Storage, Tensor } from '../tensor.ts'
import { numpyScalar } from './numpy.ts'
import { PyGlobal, PyObject, type PyValue } from './values.ts'

/** What the calls of one pickle have copied so far. A short file may name a long text in many of them. */
export class Copies {
  #count = 0

  /** @throws BoxletError MODEL_LIMIT */
  add(count: number): void {
    this.#count += count
    if (this.#count > MAX_COPIED) {
      throw tooLarge('characters and items copied by calls', MAX_COPIED, 'more')
    }
  }
}

/**
 * What a call in a pickle gives. The few calls of which data is made are known by name and done here, in
 * TypeScript; every other one becomes an inert object that remembers its name and arguments.
 */
export function call(callee: PyValue, args: PyValue[], copies: Copies): PyValue {
  const path = callee instanceof PyGlobal ? callee.path : callee instanceof PyObject ? callee.type : ''
  if (callee instanceof PyGlobal) {
    const known = CALLS.get(path)
    if (known !== undefined) {
      return known(args, copies)
    }
  }
  return new PyObject(path, args)
}

/** Gives an object its attributes. Dictionaries and tensors may carry some as well; nothing needs them. */
export function build(target: PyValue, state: PyValue): void {
  if (target instanceof PyObject) {
    target.state = state
  }
}

const tensor = ([storage, offset, shape, strides]: PyValue[]): PyValue => {
  if (!(storage instanceof Storage)) {
    throw corrupt('a tensor with a storage', 'one without')
  }
  return new Tensor(storage, offset, shape, strides)
}

const first = ([value]: PyValue[]): PyValue => value ?? []
const list = ([value]: PyValue[]): PyValue => (Array.isArray(value) ? value : [])

function dictionary([items]: PyValue[], copies: Copies): PyValue {
  const map = new Map<PyValue, PyValue>()
  const pairs = Array.isArray(items) ? items : []
  copies.add(pairs.length)
  for (const pair of pairs) {
    if (Array.isArray(pair) && pair.length === 2) {
      map.set(pair[0]!, pair[1]!)
    }
  }
  return map
}

/** Protocol 2 has no bytes; Python writes them as Latin-1 text and encodes it again. */
function encode([text, encoding]: PyValue[], copies: Copies): PyValue {
  if (typeof text !== 'string' || (encoding !== 'latin1' && encoding !== 'latin-1')) {
    throw corrupt('bytes as Latin-1 text', 'another encoding')
  }
  copies.add(text.length)
  return Uint8Array.from(text, (char) => char.charCodeAt(0))
}

function path(parts: PyValue[], copies: Copies): PyValue {
  const texts = parts.filter((part) => typeof part === 'string')
  for (const { length } of texts) {
    copies.add(length)
  }
  return texts.join('/').replace(/^\/\/+/, '/')
}

const CALLS = new Map<string, (args: PyValue[], copies: Copies) => PyValue>([
  ['torch._utils._rebuild_tensor', tensor],
  ['torch._utils._rebuild_tensor_v2', tensor],
  ['torch._utils._rebuild_parameter', first],
  ['torch._utils._rebuild_parameter_with_state', first],
  ['torch.Size', list],
  ['collections.OrderedDict', dictionary],
  ['collections.defaultdict', () => new Map()],
  ['_codecs.encode', encode],
  ...['__builtin__', 'builtins'].flatMap((module) =>
    ['set', 'frozenset', 'list', 'tuple'].map((name) => [`${module}.${name}`, list] as const),
  ),
  ...['numpy.core', 'numpy._core'].map((module) => [`${module}.multiarray.scalar`, numpyScalar] as const),
  ...['PosixPath', 'WindowsPath', 'PurePosixPath', 'PureWindowsPath', 'Path'].flatMap((name) =>
    ['pathlib', 'pathlib._local'].map((module) => [`${module}.${name}`, path] as const),
  ),
])
