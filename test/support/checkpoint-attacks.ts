import type { ErrorCode } from '../../src/errors.ts'
import {
  archive,
  bool,
  call,
  checkpoint,
  classifier,
  convolution,
  dict,
  get,
  global,
  int,
  list,
  module,
  none,
  type Ops,
  pickle,
  put,
  sequential,
  stream,
  tensor,
  text,
  tuple,
} from './checkpoint.ts'

/** Checkpoints made to hurt, for the tests that refuse them and the bench that takes the time. */

const one = { x: Float32Array.of(1) }
/** What a pickle that harms does first: it runs a command. */
export const system = (argument: string): Ops => call(global('posix', 'system'), tuple(text(argument)))
const network = (...layers: Ops[]): Ops =>
  checkpoint(module('ultralytics.nn.tasks.DetectionModel', { modules: [['model', sequential(...layers)]] }))
const bytes = (count: number, ...pattern: number[]): number[] =>
  Array.from({ length: count * pattern.length }, (_, i) => pattern[i % pattern.length]!)
const raw = (...ops: Ops): Uint8Array => archive(pickle(ops))
/** A layer that takes the one before it and holds the given modules. */
const layer = (...inner: Ops[]): Ops =>
  module('torch.nn.modules.container.Sequential', {
    modules: inner.map((one, i) => [`${i}`, one] as const),
    attributes: [['f', int(-1)]],
  })
const nested = (depth: number, inner: Ops): Ops => {
  let value = inner
  for (let i = 0; i < depth; i++) {
    value = sequential(value)
  }
  return value
}

/** Each module holds the next one twice: 2^60 calls, were they made. */
function dag(): Ops {
  let value: Ops = put(100, sequential(module('torch.nn.modules.linear.Identity')))
  for (let key = 101; key < 160; key++) {
    value = put(key, sequential(value, get(key - 1)))
  }
  return value
}

/** A Sequential that holds itself. */
const cycle: Ops = [
  put(7, [global('torch.nn.modules.container', 'Sequential'), 0x29, 0x81]),
  dict([text('_modules'), dict([text('0'), get(7)])]),
  0x62,
]

const wide = tensor('x', [2 ** 20, 2 ** 20], { strides: [0, 0], elements: 1 })
const withBias = (bias: Ops): Ops =>
  network(module('torch.nn.modules.normalization.LayerNorm', { parameters: [['weight', bias]] }))

/** What it is, how it is refused, and the file. */
export const CHECKPOINT_ATTACKS: readonly [string, ErrorCode, () => Uint8Array][] = [
  ['a long text that many calls turn into bytes', 'MODEL_LIMIT', () => archive(copied(100_000, 2_000))],
  ['a long list that many calls turn into dictionaries', 'MODEL_LIMIT', () => archive(listed(15_000, 2_000))],
  [
    'a class name of megabytes',
    'MODEL_LIMIT',
    () => {
      const { root, storages } = classifier({ names: ['a'.repeat(2 ** 22), 'dog'] })
      return archive(root, storages)
    },
  ],
  ['a part with a name of a hundred thousand letters', 'MODEL_LIMIT', () => named('a'.repeat(100_000))],
  [
    'a layer that names lists of lists of layers before it',
    'MODEL_UNSUPPORTED',
    () => archive(network(fromLists(40))),
  ],
  [
    'a bias that is no tensor itself but wraps one',
    'MODEL_UNSUPPORTED',
    () => {
      const wrapped = call(global('torch._tensor', '_rebuild_from_type_v2'), tuple())
      const { root, storages } = classifier({
        layers: [
          module('torch.nn.modules.linear.Identity', {
            parameters: [['bias', wrapped]],
            attributes: [['f', int(-1)]],
          }),
        ],
      })
      return archive(root, storages)
    },
  ],
  ['a call in place of the network', 'MODEL_UNSUPPORTED', () => archive(checkpoint(system('touch pwned')))],
  ['a call in place of everything', 'MODEL_UNSUPPORTED', () => archive(system('touch pwned'))],
  ['a call in place of a layer', 'MODEL_UNSUPPORTED', () => archive(network(system('touch pwned')))],
  ['a call that makes a class', 'MODEL_UNSUPPORTED', () => archive(call(system('x'), tuple()))],
  [
    'a class named __proto__',
    'MODEL_UNSUPPORTED',
    () => archive(network(module('ultralytics.nn.__proto__'))),
  ],
  [
    'a class named constructor',
    'MODEL_UNSUPPORTED',
    () => archive(network(module('torch.nn.modules.constructor'))),
  ],
  [
    'a key __proto__',
    'MODEL_UNSUPPORTED',
    () => archive(dict([text('__proto__'), dict([text('model'), bool(true)])])),
  ],
  ['a module that holds itself', 'MODEL_LIMIT', () => archive(network(cycle))],
  ['three thousand modules inside each other', 'MODEL_LIMIT', () => archive(network(nested(3_000, none)))],
  ['2^60 calls of sixty modules', 'MODEL_LIMIT', () => archive(network(layer(dag()), layer()))],
  ['2^60 calls, twice', 'MODEL_LIMIT', () => archive(network(layer(sequential(dag(), dag())), layer()))],
  ['three million marks', 'MODEL_LIMIT', () => raw(bytes(3_000_000, 0x28))],
  [
    '200,000 lists inside each other',
    'MODEL_LIMIT',
    () => raw(bytes(200_000, 0x5d), bytes(200_000, 0x61), 0x2e),
  ],
  ['five million values on the stack', 'MODEL_LIMIT', () => raw(bytes(5_000_000, 0x4e))],
  ['a memo without end', 'MODEL_LIMIT', () => raw(0x4e, bytes(5_200_000, 0x94))],
  ['lists that double thirty times', 'MODEL_CORRUPT', () => archive(doubling())],
  ['a number of 2 GB', 'MODEL_CORRUPT', () => raw(0x8b, 0xff, 0xff, 0xff, 0x7f)],
  ['a number of 255 bytes', 'MODEL_LIMIT', () => raw(0x8a, 255, bytes(255, 1), 0x2e)],
  ['a text of 4 GB', 'MODEL_CORRUPT', () => raw(0x58, 0xff, 0xff, 0xff, 0xff, 0x41, 0x2e)],
  ['a name without end', 'MODEL_CORRUPT', () => raw(0x63, bytes(2_000_000, 0x41))],
  ['an empty pickle', 'MODEL_CORRUPT', () => raw(0x2e)],
  ['a value of the memo that is not there', 'MODEL_CORRUPT', () => raw(0x68, 9, 0x2e)],
  ['a tuple from under a mark', 'MODEL_CORRUPT', () => raw(0x4e, 0x28, 0x85, 0x2e)],
  ['an operation of the text protocol', 'MODEL_CORRUPT', () => raw(0x49, 0x31, 0x0a, 0x2e)],
  ['protocol 6', 'MODEL_CORRUPT', () => archive(Uint8Array.from([0x80, 6, 0x4e, 0x2e]))],
  [
    'a tensor outside its storage',
    'MODEL_CORRUPT',
    () => archive(withBias(tensor('x', [2], { elements: 1 })), one),
  ],
  [
    'a tensor at 2^31',
    'MODEL_CORRUPT',
    () => archive(withBias(tensor('x', [1], { offset: 2 ** 31 - 1, elements: 1 })), one),
  ],
  ['a negative size', 'MODEL_CORRUPT', () => archive(withBias(tensor('x', [-1], { elements: 1 })), one)],
  [
    'a negative stride',
    'MODEL_CORRUPT',
    () => archive(withBias(tensor('x', [1], { strides: [-1], elements: 1 })), one),
  ],
  [
    'a storage larger than its entry',
    'MODEL_CORRUPT',
    () => archive(withBias(tensor('x', [1], { elements: 2 ** 30 })), one),
  ],
  ['a storage that is not there', 'MODEL_CORRUPT', () => archive(withBias(tensor('y', [1])), one)],
  ['a storage named ../data.pkl', 'MODEL_CORRUPT', () => archive(withBias(tensor('../data.pkl', [1])), one)],
  ['2^40 values of one', 'MODEL_UNSUPPORTED', () => expanded()],
  [
    'a million inputs of one layer',
    'MODEL_LIMIT',
    () => archive(joined(list(...Array.from({ length: 100_000 }, () => int(-1))))),
  ],
  ['inputs that come later', 'MODEL_UNSUPPORTED', () => archive(joined(list(int(5), int(-1))))],
  ['a layer of layers before the first', 'MODEL_UNSUPPORTED', () => archive(joined(list(int(-7))))],
  ['a picture enlarged a million times', 'MODEL_LIMIT', () => withLayer(upsample(1_000_000))],
  ['a picture enlarged by nothing', 'MODEL_UNSUPPORTED', () => withLayer(upsample(0))],
  ['a window larger than its picture', 'MODEL_UNSUPPORTED', () => withLayer(pool(4_000, 1))],
  ['a window that does not move', 'MODEL_LIMIT', () => withLayer(pool(1, 0))],
  ['a picture of 2^30 pixels', 'MODEL_UNSUPPORTED', () => sized(int(2 ** 30))],
  ['thirty thousand layers of the network', 'MODEL_LIMIT', () => withLayers(30_000)],
  ['a filter of 2^31 groups', 'MODEL_UNSUPPORTED', () => filter(['groups', int(2 ** 31 - 1)])],
  ['a filter of no groups', 'MODEL_UNSUPPORTED', () => filter(['groups', int(0)])],
  ['ten million values taken off again', 'MODEL_LIMIT', () => raw(bytes(10_000_000, 0x4e, 0x30))],
  ['a filter that does not move', 'MODEL_UNSUPPORTED', () => filter(['stride', pair(0)])],
  ['a filter padded by 2^30', 'MODEL_LIMIT', () => filter(['padding', pair(2 ** 30)])],
  ['a filter of 2^53 by 0 values', 'MODEL_UNSUPPORTED', () => empty()],
  [
    'a tensor of 1,000 axes',
    'MODEL_CORRUPT',
    () => archive(withBias(tensor('x', Array(1_000).fill(1))), one),
  ],
  ['an object set 100,000 times', 'MODEL_UNSUPPORTED', () => archive(rebuilt(100_000))],
  ['a wrapper that holds itself', 'MODEL_UNSUPPORTED', () => archive(wrapper)],
  ['a dictionary that holds itself', 'MODEL_UNSUPPORTED', () => archive(ownDictionary)],
  ['weights whose names have 100,000 dots', 'MODEL_UNSUPPORTED', () => archive(dotted(100_000), one)],
  ['50,000 weights of nothing', 'MODEL_LIMIT', () => archive(many(50_000), one)],
  ['60,000 entries of nothing', 'MODEL_LIMIT', () => entries(60_000)],
  ['19,000 entries of nothing', 'MODEL_CORRUPT', () => entries(19_000)],
  [
    'a million zeros in place of the directory',
    'MODEL_CORRUPT',
    () => new Uint8Array(2 ** 20).fill(0x50, 0, 1).fill(0x4b, 1, 2),
  ],
  ['a stream without end', 'MODEL_LIMIT', () => stream(bytes(1_000_000, 0x4e))],
  ['a stream that says 2^40 values', 'MODEL_CORRUPT', () => streamOf(2 ** 40)],
]

/** Lists that hold the one before twice: 2^30 values to whoever walks over them. */
function doubling(): Ops {
  let value: Ops = put(1, list(none))
  for (let key = 2; key < 32; key++) {
    value = put(key, list(value, get(key - 1)))
  }
  return value
}

function expanded(): Uint8Array {
  const { storages } = classifier()
  const filter = convolution('filter', undefined, [4, 3, 1, 1])
  const head = module('ultralytics.nn.modules.head.Classify', {
    modules: [
      ['conv', filter],
      [
        'pool',
        module('torch.nn.modules.pooling.AdaptiveAvgPool2d', { attributes: [['output_size', int(1)]] }),
      ],
      ['drop', module('torch.nn.modules.dropout.Dropout')],
      ['linear', module('torch.nn.modules.linear.Linear', { parameters: [['weight', wide]] })],
    ],
    attributes: [['f', int(-1)]],
  })
  return archive(network(head), { ...storages, ...one })
}

const joined = (sources: Ops): Ops =>
  network(
    module('ultralytics.nn.modules.conv.Concat', {
      attributes: [
        ['f', sources],
        ['d', int(1)],
      ],
    }),
    module('torch.nn.modules.linear.Identity', { attributes: [['f', int(-1)]] }),
  )

const upsample = (factor: number): Ops =>
  module('torch.nn.modules.upsampling.Upsample', {
    attributes: [
      ['f', int(-1)],
      ['mode', text('nearest')],
      ['size', none],
      ['scale_factor', int(factor)],
    ],
  })

const pool = (kernel: number, stride: number): Ops =>
  module('torch.nn.modules.pooling.MaxPool2d', {
    attributes: [
      ['f', int(-1)],
      ['kernel_size', int(kernel)],
      ['stride', int(stride)],
      ['padding', int(0)],
      ['dilation', int(1)],
      ['ceil_mode', bool(false)],
    ],
  })

function withLayer(layer: Ops): Uint8Array {
  const { root, storages } = classifier({ layers: [layer] })
  return archive(root, storages)
}

function sized(edge: Ops): Uint8Array {
  const { storages } = classifier()
  const { root } = classifier({ facts: [['train_args', dict([text('imgsz'), edge])]] })
  return archive(root, storages)
}

const pair = (value: number): Ops => tuple(int(value), int(value))

/** Layers that change nothing before the smallest network. */
function withLayers(count: number): Uint8Array {
  const layer = module('torch.nn.modules.linear.Identity', { attributes: [['f', int(-1)]] })
  const { root, storages } = classifier({ layers: Array<Ops>(count).fill(layer) })
  return archive(root, storages)
}

/** A filter of which one attribute is another one. */
function filter(attribute: readonly [string, Ops]): Uint8Array {
  const { root, storages } = classifier({ layers: [convolution('x', undefined, [4, 4, 1, 1], [attribute])] })
  return archive(root, { ...storages, x: new Float32Array(16) })
}

function empty(): Uint8Array {
  const { root, storages } = classifier({ layers: [convolution('x', undefined, [0, 2 ** 31 - 1, 1, 1])] })
  return archive(root, { ...storages, x: new Float32Array(0) })
}

const rebuilt = (times: number): Ops =>
  checkpoint([
    module('ultralytics.nn.tasks.DetectionModel'),
    ...Array.from({ length: times }, (_, i) => [dict([text(`a${i}`), none]), 0x62]),
  ])

const wrapper: Ops = [
  put(7, [global('torch.nn.parallel.data_parallel', 'DataParallel'), 0x29, 0x81]),
  dict([text('_modules'), dict([text('module'), get(7)])]),
  0x62,
]

const ownDictionary: Ops = [put(7, [0x7d]), 0x28, text('model'), get(7), text('ema'), get(7), 0x75]

const dotted = (dots: number): Ops => dict([text(`a${'.a'.repeat(dots)}`), tensor('x', [1])])

const many = (count: number): Ops =>
  dict(...Array.from({ length: count }, (_, i) => [text(`layer.${i}.weight`), tensor('x', [1])] as const))

/** An archive of a small pickle and entries of one byte. */
function entries(count: number): Uint8Array {
  const value = Float32Array.of(1)
  return archive(none, Object.fromEntries(Array.from({ length: count }, (_, i) => [`${i}`, value])))
}

/** A stream whose one storage says that it has so many values. */
function streamOf(count: number): Uint8Array {
  const file = stream(withBias(tensor('x', [1])), one)
  new DataView(file.buffer, file.byteOffset).setBigUint64(file.length - 12, BigInt(count), true)
  return file
}

/** Text under a number of the memo, and a list of calls that encode it. */
const copied = (length: number, calls: number): Ops => [
  [put(1, text('a'.repeat(length))), 0x30],
  list(...Array<Ops>(calls).fill(call(global('_codecs', 'encode'), tuple(get(1), text('latin1'))))),
]

const listed = (length: number, calls: number): Ops => [
  [put(1, list(...Array.from({ length }, (_, i) => tuple(int(i), none)))), 0x30],
  list(...Array<Ops>(calls).fill(call(global('collections', 'OrderedDict'), tuple(get(1))))),
]

function named(name: string): Uint8Array {
  const { root, storages } = classifier({
    layers: [
      module('torch.nn.modules.container.Sequential', {
        modules: [[name, sequential()]],
        attributes: [['f', int(-1)]],
      }),
    ],
  })
  return archive(root, storages)
}

/** Each list holds the next one twice, so that its text doubles with each. */
function fromLists(depth: number): Ops {
  let value: Ops = put(200, list(int(-1)))
  for (let key = 201; key < 200 + depth; key++) {
    value = put(key, list(value, get(key - 1)))
  }
  return module('torch.nn.modules.linear.Identity', { attributes: [['f', list(value)]] })
}
