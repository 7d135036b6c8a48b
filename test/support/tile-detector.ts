import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import { seededRandom } from '../../src/datasets/random.ts'
import { GraphBuilder } from '../../src/onnx/write/graph-builder.ts'
import { writeModel } from '../../src/onnx/write/write-model.ts'

const EDGE = 256
const TILE = 32
const CHANNELS = 96
/** Dense layers, so that whole numbers are worth it on every processor. */
const LAYERS = 3
/** A tile of full colour gives about 0.7 on its channel, one of grey about 0. */
const STEEP = 12
const LEAST = -5

export const TILE_LABELS = ['blue', 'green', 'red'] as const
/** In the order of the labels, as red, green, blue. */
const COLOURS = [
  [40, 40, 220],
  [40, 220, 40],
  [220, 40, 40],
] as const

/**
 * A YOLOX of dense convolutions that finds coloured tiles on grey: its first three channels carry how blue, green and
 * red a place is through all layers, and the others are there to be computed. Its file has no class names.
 *
 * @param isLoud one channel of every layer is so large that with one scale for a tensor nothing is left of the others
 */
export function tileDetector({ isLoud = false } = {}): Uint8Array {
  const random = seededRandom(3)
  const graph = new GraphBuilder('tiles')
  const image = graph.input('images', 'float32', [1, 3, EDGE, EDGE])
  let layers = 0
  const conv = (
    x: string,
    [to, from, kernel]: readonly [number, number, number],
    stride: number,
    weightOf: (out: number, input: number, at: number) => number,
    biasOf: (out: number) => number,
  ): string => {
    const name = `layer${layers++}`
    const area = kernel * kernel
    const weights = Float32Array.from({ length: to * from * area }, (_, at) =>
      weightOf(Math.floor(at / (from * area)), Math.floor(at / area) % from, at % area),
    )
    const w = graph.constant('float32', [to, from, kernel, kernel], weights, `${name}.weight`)
    const b = graph.constant(
      'float32',
      [to],
      Float32Array.from({ length: to }, (_, out) => biasOf(out)),
    )
    const pad = stride === 1 ? (kernel - 1) / 2 : 0
    return graph.node('Conv', [x, w, b], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
    })
  }
  const loud = (out: number): number => (isLoud && out === 3 ? 1e4 : 0)
  const other = (fan: number, input: number): number =>
    isLoud && input === 3 ? 0 : (random() * 2 - 1) * Math.sqrt(6 / fan)
  const body = (x: string, kernel: number, stride: number, share: (at: number) => number): string =>
    graph.node('Relu', [
      conv(
        x,
        [CHANNELS, CHANNELS, kernel],
        stride,
        (out, input, at) =>
          out < 3 ? (input === out ? share(at) : 0) : other(CHANNELS * kernel * kernel, input),
        loud,
      ),
    ])
  const patch = 8
  let x = graph.node('Relu', [
    conv(
      image,
      [CHANNELS, 3, patch],
      patch,
      (out, input) =>
        (out < 3 ? (input === out ? 1 : -0.5) / patch ** 2 : other(3 * patch ** 2, input)) / 255,
      loud,
    ),
  ])
  for (let layer = 0; layer < LAYERS; layer++) {
    x = body(x, 3, 1, (at) => (at === 4 ? 1 : 0))
  }
  const mean = () => 1 / 4
  const middle = body(x, 2, 2, mean)
  const rows = [x, middle, body(middle, 2, 2, mean)].map((features, level) => {
    const stride = patch * 2 ** level
    const isTile = stride === TILE
    const head = (
      to: number,
      weightOf: (out: number, input: number) => number,
      bias: (out: number) => number,
    ) => conv(features, [to, CHANNELS, 1], 1, weightOf, bias)
    const box = head(
      4,
      () => 0,
      (out) => (out < 2 ? 0.5 : 0),
    )
    const any = head(
      1,
      (_, input) => (isTile && input < 3 ? STEEP : 0),
      () => LEAST,
    )
    const classes = head(
      3,
      (out, input) => (input === out ? STEEP : 0),
      () => LEAST,
    )
    const map = graph.node('Concat', [box, graph.node('Sigmoid', [any]), graph.node('Sigmoid', [classes])], {
      axis: 1,
    })
    return graph.node('Reshape', [map, graph.int64([1, 8, (EDGE / stride) ** 2])])
  })
  graph.node('Transpose', [graph.node('Concat', rows, { axis: 2 })], { perm: [0, 2, 1] }, 'output')
  const cells = [8, 16, 32].reduce((sum, stride) => sum + (EDGE / stride) ** 2, 0)
  graph.outputs.push({ name: 'output', type: 'float32', shape: [1, cells, 8] })
  return writeModel(graph, { producer: { name: 'test', version: '1' } }).finish()
}

/** Pictures of some coloured tiles among grey ones, with noise; the same each time. @returns their paths */
export async function writeTiles(folder: string, count: number): Promise<string[]> {
  mkdirSync(folder, { recursive: true })
  const random = seededRandom(5)
  const paths: string[] = []
  for (let picture = 0; picture < count; picture++) {
    const tiles = Array.from({ length: (EDGE / TILE) ** 2 }, () => Math.floor(random() * 20))
    const pixels = Uint8Array.from({ length: 3 * EDGE * EDGE }, (_, at) => {
      const [x, y] = [Math.floor(at / 3) % EDGE, Math.floor(at / 3 / EDGE)]
      const tile = tiles[Math.floor(y / TILE) * (EDGE / TILE) + Math.floor(x / TILE)]!
      return (COLOURS[tile]?.[at % 3] ?? 110) + random() * 20
    })
    const path = join(folder, `tiles${picture}.png`)
    await sharp(pixels, { raw: { width: EDGE, height: EDGE, channels: 3 } })
      .png()
      .toFile(path)
    paths.push(path)
  }
  return paths
}
