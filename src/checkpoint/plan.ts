import type { HeadOptions, HeadResult } from './heads/head.ts'
import type { SizeRule } from './image-size.ts'
import { corrupt, quoted, unsupported } from './limits.ts'
import { isModule, Module, Usage } from './module.ts'
import type { Builder } from './network/builder.ts'
import type { Value } from './network/network.ts'
import type { PyObject } from './pickle/values.ts'
import type { Trained } from './trained.ts'
import { walkLayers } from './walk.ts'
import { exportHint } from './ways.ts'
import type { WeightFamily } from './weights/family.ts'

/** How a network is built, and what has to be known before. */
export interface Plan extends SizeRule {
  /** The part all of whose tensors have to be used. */
  root: Module
  object: PyObject
  /** Channels of the picture. */
  channels: number
  /** What was taken for granted, a sentence each. */
  assumptions: string[]
  run: (builder: Builder, picture: Value, options: HeadOptions) => HeadResult
}

/** What trainers take when nobody names a size. */
const DEFAULT_EDGE = 640
const DEFAULT_CLASSIFIER_EDGE = 224

/** Networks that say themselves what their layers are, which lie in the Sequential `model.model`. */
export function layerPlan({ network }: Trained): Plan {
  const members = network.attributes.get('_modules')
  const object = members instanceof Map ? members.get('model') : undefined
  if (!isModule(object)) {
    throw unsupported(
      'a network with its layers under "model"',
      `one of the class ${quoted(network.type)}`,
      exportHint(network.type),
    )
  }
  const root = new Module(object, 'model', new Usage()).use()
  if (root.type !== 'torch.nn.modules.container.Sequential') {
    throw unsupported('layers in a Sequential', `a ${quoted(root.type)}`)
  }
  const layers = root.children()
  const head = layers.at(-1)
  if (head === undefined) {
    throw corrupt('a network with layers', 'one without')
  }
  const isClassifier = head.name === 'Classify'
  return {
    root,
    object,
    channels: inputChannels(layers),
    stride: isClassifier ? 1 : largestStride(head),
    edge: isClassifier ? DEFAULT_CLASSIFIER_EDGE : DEFAULT_EDGE,
    assumptions: [],
    run: (builder, picture, options) => walkLayers(builder, layers, picture, options),
  }
}

/** Networks whose layers follow from the names and shapes of their weights. */
export function weightPlan({ network }: Trained, family: WeightFamily): Plan {
  const root = new Module(network, '', new Usage()).use()
  return {
    root,
    object: network,
    channels: 3,
    stride: family.stride,
    edge: family.edge(root),
    assumptions: family.assumptions(root),
    run: (builder, picture, options) => family.build(builder, picture, root, options),
  }
}

/** Channels of the picture: what the first filter takes. */
function inputChannels(layers: readonly Module[]): number {
  for (const layer of layers) {
    const filter = firstFilter(layer)
    if (filter !== undefined) {
      // Focus and ReOrg hand on every second pixel four times.
      const isFolded = ['Focus', 'ReOrg'].includes(layers[0]!.name)
      return filter.count('in_channels') / (isFolded ? 4 : 1)
    }
  }
  return 3
}

/** Follows first parts only, so that shared parts cannot make the search long. */
function firstFilter(layer: Module): Module | undefined {
  let module: Module | undefined = layer
  while (module !== undefined && module.name !== 'Conv2d') {
    module = module.children()[0]
  }
  return module
}

/** Pixels of a cell of the coarsest level; RT-DETR keeps none and halves five times. */
function largestStride(head: Module): number {
  if (head.name === 'Classify') {
    return 1
  }
  const strides = head.optionalTensor('stride')?.values() ?? []
  const largest = Math.max(...strides)
  return Number.isSafeInteger(largest) && largest >= 1 && largest <= 1024 ? largest : 32
}
