import { zipSync } from 'fflate'

/**
 * Checkpoints made by code: a pickle is written operation by operation, so that tests can also write what
 * Python's pickler never would.
 */

const ascii = (text: string): number[] => [...Buffer.from(text)]
const int32 = (value: number): number[] => [
  value & 255,
  (value >> 8) & 255,
  (value >> 16) & 255,
  (value >>> 24) & 255,
]

/** Bytes of pickle operations, inside each other as they were put together: `dict([text('a'), int(1)])`. */
export type Ops = readonly (number | Ops)[]

export const none: Ops = [0x4e]
export const bool = (value: boolean): Ops => [value ? 0x88 : 0x89]
export const int = (value: number): Ops => [0x4a, ...int32(value)]
export const float = (value: number): Ops => {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleBE(value)
  return [0x47, ...bytes]
}
export const text = (value: string): Ops => [0x58, ...int32(Buffer.byteLength(value)), ...ascii(value)]
export const global = (module: string, name: string): Ops => [0x63, ...ascii(`${module}\n${name}\n`)]
export const tuple = (...items: readonly Ops[]): Ops => [0x28, ...items, 0x74]
export const list = (...items: readonly Ops[]): Ops => [0x5d, 0x28, ...items, 0x65]
export const dict = (...pairs: readonly (readonly [Ops, Ops])[]): Ops => [0x7d, 0x28, ...pairs, 0x75]
export const call = (callee: Ops, args: Ops): Ops => [callee, args, 0x52]
export const put = (key: number, value: Ops): Ops => [value, 0x72, ...int32(key)]
export const get = (key: number): Ops => [0x6a, ...int32(key)]

/** An object of a class with its attributes, as `copyreg.__newobj__` has it. */
export function object(type: string, attributes: readonly (readonly [string, Ops])[]): Ops {
  const at = type.lastIndexOf('.')
  const state = dict(...attributes.map(([name, value]) => [text(name), value] as const))
  return [global(type.slice(0, at), type.slice(at + 1)), 0x29, 0x81, state, 0x62]
}

export interface Parts {
  parameters?: readonly (readonly [string, Ops])[]
  buffers?: readonly (readonly [string, Ops])[]
  modules?: readonly (readonly [string, Ops])[]
  attributes?: readonly (readonly [string, Ops])[]
}

const named = (entries: readonly (readonly [string, Ops])[] = []): Ops =>
  dict(...entries.map(([name, value]) => [text(name), value] as const))

export const module = (type: string, { parameters, buffers, modules, attributes = [] }: Parts = {}): Ops =>
  object(type, [
    ['training', bool(false)],
    ['_parameters', named(parameters)],
    ['_buffers', named(buffers)],
    ['_modules', named(modules)],
    ...attributes,
  ])

const CONTAINER = 'torch.nn.modules.container'
export const sequential = (...modules: readonly Ops[]): Ops =>
  module(`${CONTAINER}.Sequential`, { modules: modules.map((one, i) => [`${i}`, one] as const) })

/** A float32 tensor in the storage of that key. */
export function tensor(
  key: string,
  shape: readonly number[],
  { offset = 0, strides = dense(shape), elements = product(shape) } = {},
): Ops {
  const storage: Ops = [
    tuple(text('storage'), global('torch', 'FloatStorage'), text(key), text('cpu'), int(elements)),
    0x51,
  ]
  const sizes = (values: readonly number[]) => tuple(...values.map(int))
  return call(
    global('torch._utils', '_rebuild_tensor_v2'),
    tuple(storage, int(offset), sizes(shape), sizes(strides), bool(false), none),
  )
}

const product = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1)
const dense = (shape: readonly number[]): number[] => shape.map((_, axis) => product(shape.slice(axis + 1)))

export const pickle = (value: Ops): Uint8Array => Uint8Array.from([0x80, 2, ...flat(value), 0x2e])

function* flat(ops: Ops): Generator<number> {
  const open = [ops.values()]
  for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
    const { value, done } = last.next()
    if (done) {
      open.pop()
    } else if (typeof value === 'number') {
      yield value
    } else {
      open.push(value.values())
    }
  }
}

/** A file as torch.save writes it. */
export function archive(root: Ops | Uint8Array, storages: Record<string, Float32Array> = {}): Uint8Array {
  const files: Record<string, Uint8Array> = {
    'best/data.pkl': root instanceof Uint8Array ? root : pickle(root),
    'best/byteorder': Buffer.from('little'),
  }
  for (const [key, values] of Object.entries(storages)) {
    files[`best/data/${key}`] = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
  }
  return zipSync(files, { level: 0 })
}

/** The magic number of the stream form, 0x1950a86a20f9469cfc6c. */
const MAGIC: Ops = [0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19]

/** A file as torch.save wrote it before PyTorch 1.6: five pickles, then each storage as a count and its values. */
export function stream(root: Ops, storages: Record<string, Float32Array> = {}): Uint8Array {
  const system = dict([text('little_endian'), bool(true)])
  const keys = list(...Object.keys(storages).map(text))
  const pickles = [MAGIC, int(1001), system, root, keys].map(pickle)
  const values = Object.values(storages).flatMap((data) => [
    new Uint8Array(BigInt64Array.of(BigInt(data.length)).buffer),
    new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  ])
  return new Uint8Array(Buffer.concat([...pickles, ...values]))
}

/** What a trainer saves: the network under "model" and what it knows beside it. */
export const checkpoint = (network: Ops, facts: readonly (readonly [string, Ops])[] = []): Ops =>
  dict([text('model'), network], ...facts.map(([key, value]) => [text(key), value] as const))

/** The smallest network there is: a filter of `outputs` by 3 channels and a classifier of two classes. */
export function classifier({
  layers = [] as Ops[],
  names = ['cat', 'dog'],
  facts = [] as (readonly [string, Ops])[],
} = {}): {
  root: Ops
  storages: Record<string, Float32Array>
} {
  const storages = {
    filter: Float32Array.from({ length: 4 * 3 }, (_, i) => i / 10 - 0.5),
    project: Float32Array.from({ length: 8 * 4 }, (_, i) => Math.sin(i)),
    projectBias: new Float32Array(8),
    linear: Float32Array.from({ length: 2 * 8 }, (_, i) => Math.cos(i)),
    linearBias: Float32Array.of(0.5, -0.5),
  }
  const head = module('ultralytics.nn.modules.head.Classify', {
    modules: [
      ['conv', convolution('project', 'projectBias', [8, 4, 1, 1])],
      [
        'pool',
        module('torch.nn.modules.pooling.AdaptiveAvgPool2d', { attributes: [['output_size', int(1)]] }),
      ],
      ['drop', module('torch.nn.modules.dropout.Dropout')],
      [
        'linear',
        module('torch.nn.modules.linear.Linear', {
          parameters: [
            ['weight', tensor('linear', [2, 8])],
            ['bias', tensor('linearBias', [2])],
          ],
        }),
      ],
    ],
    attributes: [['f', int(-1)]],
  })
  const first = convolution('filter', undefined, [4, 3, 1, 1])
  const network = module('ultralytics.nn.tasks.ClassificationModel', {
    modules: [['model', sequential(first, ...layers, head)]],
    attributes: [['names', list(...names.map(text))]],
  })
  return { root: checkpoint(network, [['train_args', dict([text('imgsz'), int(8)])], ...facts]), storages }
}

export function convolution(
  weight: string,
  bias: string | undefined,
  shape: readonly number[],
  changes: readonly (readonly [string, Ops])[] = [],
): Ops {
  const pair = (value: number) => tuple(int(value), int(value))
  return module('torch.nn.modules.conv.Conv2d', {
    parameters: [
      ['weight', tensor(weight, shape)],
      ['bias', bias === undefined ? none : tensor(bias, [shape[0]!])],
    ],
    attributes: [
      ['in_channels', int(shape[1]!)],
      ['out_channels', int(shape[0]!)],
      ['kernel_size', tuple(int(shape[2]!), int(shape[3]!))],
      ['stride', pair(1)],
      ['padding', pair(0)],
      ['dilation', pair(1)],
      ['groups', int(1)],
      ['padding_mode', text('zeros')],
      ['f', int(-1)],
      ...changes,
    ],
  })
}
