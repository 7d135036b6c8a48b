import type { Size } from '../../src/boxes/box.ts'
import type { NewNode } from '../../src/onnx/write/encode.ts'
import { GraphBuilder } from '../../src/onnx/write/graph-builder.ts'
import { writeModel } from '../../src/onnx/write/write-model.ts'

/** How the head of the small network is written; each is a form that real exporters use, or a fault. */
export interface HeadVariant {
  /** Box and class rows: cut by Split, by Slice, or never joined. */
  parts: 'split' | 'slice' | 'apart'
  /** Left-top and right-bottom distances: cut by Split or Slice. */
  sides: 'split' | 'slice'
  /** Centre: divided by 2 or multiplied by one half. */
  half: 'div' | 'mul'
  /** Softmax over the second axis, or over the last with the values turned there and back. */
  softmax?: 'second' | 'last'
  /** What differs from the known arithmetic, so that nothing may be cut. */
  fault?: 'anchors' | 'strides' | 'bins' | 'axis' | 'size' | 'perm'
  /** Attention over the cells of the last map, as YOLO11 has it. */
  attention?: boolean
  /** A Reshape to the exported size in the body, as attention has. */
  fixedBody?: boolean
}

const CLASSES = 3
const BINS = 16
const LEVELS = [8, 16, 32]
const ROWS = 4 * BINS

/**
 * A network with random weights, the same for all sizes, and the whole head of YOLOv8 for an input of that size:
 * one convolution for each stride, and behind it all that the exporter writes.
 */
export function tinyYolov8(variant: HeadVariant, size: Size = { width: 64, height: 64 }): Uint8Array {
  const next = random(7)
  const graph = new GraphBuilder('tiny')
  const add = (op: string, inputs: string[], outputs: string[], attributes: NewNode['attributes'] = {}) =>
    graph.add({ op, inputs, outputs, attributes })
  const constant = (name: string, dims: number[], data: Float32Array | BigInt64Array) =>
    graph.constant(data instanceof Float32Array ? 'float32' : 'int64', dims, data, name)
  const ints = (name: string, ...values: number[]) =>
    constant(name, [values.length], BigInt64Array.from(values.map(BigInt)))
  const weights = (name: string, dims: number[], size: number) =>
    constant(
      name,
      dims,
      Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => (next() - 0.5) * size),
    )

  /** Two heads over a map of 8 channels: keys and queries of 2, values of 4. */
  const attention = (map: string): string => {
    const cells = cellsOf(size, 32)
    add('Conv', [map, weights('qkv.w', [16, 8, 1, 1], 0.5)], ['qkv'])
    add('Reshape', ['qkv', ints('qkv.shape', 1, 2, 8, cells)], ['heads'])
    add('Split', ['heads', ints('qkv.sizes', 2, 2, 4)], ['q', 'k', 'v'], { axis: 2 })
    add('Transpose', ['q'], ['qt'], { perm: [0, 1, 3, 2] })
    add('MatMul', ['qt', 'k'], ['products'])
    add('Mul', ['products', constant('scale', [], Float32Array.of(0.7))], ['scaled'])
    add('Softmax', ['scaled'], ['weights'], { axis: 3 })
    add('Transpose', ['weights'], ['weights.t'], { perm: [0, 1, 3, 2] })
    add('MatMul', ['v', 'weights.t'], ['mixed'])
    const back = ints('map.shape', 1, 8, size.height / 32, size.width / 32)
    add('Reshape', ['mixed', back], ['mixed.map'])
    add('Reshape', ['v', back], ['v.map'])
    add('Add', ['mixed.map', 'v.map'], ['attended'])
    return 'attended'
  }
  const cells = LEVELS.reduce((sum, stride) => sum + cellsOf(size, stride), 0)
  const [flatBoxes, flatScores, flatBoth]: string[][] = [[], [], []]
  for (const stride of LEVELS) {
    const patch = { kernel_shape: [stride, stride], strides: [stride, stride] }
    add('Conv', ['images', weights(`stem${stride}.w`, [8, 3, stride, stride], 0.2)], [`stem${stride}`], patch)
    let body = `stem${stride}`
    if (variant.fixedBody) {
      const shape = ints(`fixed${stride}`, 1, 8, size.height / stride, size.width / stride)
      add('Reshape', [body, shape], [`${body}.fixed`])
      body = `${body}.fixed`
    }
    if (variant.attention && stride === 32) {
      body = attention(body)
    }
    add('Conv', [body, weights(`box${stride}.w`, [ROWS, 8, 1, 1], 4)], [`box${stride}`])
    add('Conv', [body, weights(`cls${stride}.w`, [CLASSES, 8, 1, 1], 4)], [`cls${stride}`])
    if (variant.parts === 'apart') {
      add('Reshape', [`box${stride}`, ints(`bs${stride}`, 1, ROWS, -1)], [`fb${stride}`])
      add('Reshape', [`cls${stride}`, ints(`cs${stride}`, 1, CLASSES, -1)], [`fc${stride}`])
      flatBoxes?.push(`fb${stride}`)
      flatScores?.push(`fc${stride}`)
    } else {
      add('Concat', [`box${stride}`, `cls${stride}`], [`both${stride}`], { axis: 1 })
      add('Reshape', [`both${stride}`, ints(`s${stride}`, 1, ROWS + CLASSES, -1)], [`f${stride}`])
      flatBoth?.push(`f${stride}`)
    }
  }
  if (variant.parts === 'apart') {
    add('Concat', flatBoxes ?? [], ['boxes'], { axis: 2 })
    add('Concat', flatScores ?? [], ['logits'], { axis: 2 })
  } else {
    add('Concat', flatBoth ?? [], ['joined'], { axis: 2 })
    if (variant.parts === 'split') {
      add('Split', ['joined', ints('sizes', ROWS, CLASSES)], ['boxes', 'logits'], { axis: 1 })
    } else {
      const one = ints('channel axis', 1)
      add('Slice', ['joined', ints('zero', 0), ints('rows', ROWS), one], ['boxes'])
      add('Slice', ['joined', ints('rows again', ROWS), ints('end', ROWS + CLASSES), one], ['logits'])
    }
  }
  add('Reshape', ['boxes', ints('four', 1, 4, BINS, cells)], ['bins'])
  const turned = variant.softmax === 'last' || variant.fault === 'perm'
  const axis = turned && variant.fault === undefined ? 3 : variant.fault === 'axis' ? 2 : 1
  add('Transpose', ['bins'], ['turned'], { perm: turned ? [0, 3, 1, 2] : [0, 2, 1, 3] })
  add('Softmax', ['turned'], [turned ? 'shares last' : 'shares'], { axis })
  if (turned) {
    add('Transpose', ['shares last'], ['shares'], { perm: [0, 3, 2, 1] })
  }
  const steps = Float32Array.from(
    { length: BINS },
    (_, bin) => bin + (variant.fault === 'bins' && bin === 3 ? 0.5 : 0),
  )
  add('Conv', ['shares', constant('steps', [1, BINS, 1, 1], steps)], ['mean'])
  add('Reshape', ['mean', ints('flat', 1, 4, cells)], ['sides'])
  if (variant.sides === 'split') {
    add('Split', ['sides', ints('two', 2, 2)], ['lt', 'rb'], { axis: 1 })
  } else {
    const axis = ints('side axis', 1)
    add('Slice', ['sides', ints('side 0', 0), ints('side 2', 2), axis], ['lt'])
    add('Slice', ['sides', ints('side 2 again', 2), ints('side 4', 4), axis], ['rb'])
  }
  const { anchors, strides } = grid(cells, size, variant.fault)
  constant('anchors', [1, 2, cells], anchors)
  constant('strides', [1, cells], strides)
  add('Sub', ['anchors', 'lt'], ['near'])
  add('Add', ['anchors', 'rb'], ['far'])
  add('Add', ['near', 'far'], ['sum'])
  const half = constant('half', [], Float32Array.of(variant.half === 'div' ? 2 : 0.5))
  add(variant.half === 'div' ? 'Div' : 'Mul', ['sum', half], ['centre'])
  add('Sub', variant.fault === 'size' ? ['near', 'far'] : ['far', 'near'], ['size'])
  add('Concat', ['centre', 'size'], ['cells'], { axis: 1 })
  add('Mul', ['cells', 'strides'], ['pixels'])
  add('Sigmoid', ['logits'], ['scores'])
  add('Concat', ['pixels', 'scores'], ['output0'], { axis: 1 })
  graph.input('images', 'float32', [1, 3, size.height, size.width])
  graph.outputs.push({ name: 'output0', type: 'float32', shape: [1, 4 + CLASSES, cells] })
  return writeModel(graph, {
    producer: { name: '', version: '' },
    metadata: { names: "{0: 'a', 1: 'b', 2: 'c'}" },
  }).finish()
}

const cellsOf = ({ width, height }: Size, stride: number): number => (width / stride) * (height / stride)

/** Cell centres and strides, with one value off where the fault is there. */
function grid(
  cells: number,
  size: Size,
  fault: HeadVariant['fault'],
): { anchors: Float32Array; strides: Float32Array } {
  const anchors = new Float32Array(2 * cells)
  const strides = new Float32Array(cells)
  let at = 0
  for (const stride of LEVELS) {
    for (let cell = 0; cell < cellsOf(size, stride); cell++, at++) {
      anchors[at] = (cell % (size.width / stride)) + 0.5
      anchors[cells + at] = Math.floor(cell / (size.width / stride)) + 0.5
      strides[at] = stride
    }
  }
  if (fault === 'anchors') {
    anchors[5] = 5
  }
  if (fault === 'strides') {
    strides[5] = 16
  }
  return { anchors, strides }
}

/** Small generator with a fixed seed. */
export function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
