import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { seededRandom } from '../../src/datasets/random.ts'
import { GraphBuilder } from '../../src/onnx/write/graph-builder.ts'
import { writeModel } from '../../src/onnx/write/write-model.ts'

/** Pixels come as 0–255, and the first layer brings them to about one. */
const PIXELS = 100

/**
 * A YOLOX of 20 thousand weights with every kind of layer that the real ones have: dense, pointwise and depthwise
 * convolutions, SiLU, a residual sum, the pyramid of pools, upsampling and joins. It knows nothing.
 */
export function tinyYolox(labels: readonly string[], size = 64, seed = 1): Uint8Array {
  const random = seededRandom(seed)
  const graph = new GraphBuilder('tiny')
  const image = graph.input('images', 'float32', [1, 3, size, size])
  let layers = 0
  const conv = (x: string, from: number, to: number, kernel: number, stride = 1, group = 1, bias = 0) => {
    const fan = (from / group) * kernel * kernel
    const weights = Float32Array.from(
      { length: to * fan },
      () => ((random() * 2 - 1) * Math.sqrt(6 / fan)) / (layers === 0 ? PIXELS : 1),
    )
    const name = `layer${layers++}`
    const w = graph.constant('float32', [to, from / group, kernel, kernel], weights, `${name}.weight`)
    const b = graph.constant('float32', [to], new Float32Array(to).fill(bias), `${name}.bias`)
    const pad = (kernel - 1) / 2
    return graph.node('Conv', [x, w, b], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group,
    })
  }
  const silu = (x: string) => graph.node('Mul', [x, graph.node('Sigmoid', [x])])
  const block = (x: string, from: number, to: number, stride: number) =>
    silu(conv(silu(conv(x, from, from, 3, stride, from)), from, to, 1))

  let x = silu(conv(image, 3, 8, 3, 2))
  x = block(x, 8, 16, 2)
  const small = block(x, 16, 24, 2)
  const middle = block(small, 24, 32, 2)
  let large = block(middle, 32, 32, 2)
  large = graph.node('Add', [large, silu(conv(large, 32, 32, 1))])
  const pools = [5, 9, 13].map((window) => {
    const pad = (window - 1) / 2
    return graph.node('MaxPool', [large], {
      kernel_shape: [window, window],
      strides: [1, 1],
      pads: [pad, pad, pad, pad],
      ceil_mode: 0,
    })
  })
  large = silu(conv(graph.node('Concat', [large, ...pools], { axis: 1 }), 128, 32, 1))
  const scales = graph.float32([1, 1, 2, 2])
  const larger = graph.node('Resize', [large, '', scales], {
    mode: 'nearest',
    nearest_mode: 'floor',
    coordinate_transformation_mode: 'asymmetric',
  })
  const joined = silu(conv(graph.node('Concat', [larger, middle], { axis: 1 }), 64, 32, 1))
  const maps = [
    { features: silu(conv(small, 24, 32, 1)), edge: size / 8 },
    { features: joined, edge: size / 16 },
    { features: large, edge: size / 32 },
  ]
  const rows = maps.map(({ features, edge }) => {
    const box = conv(features, 32, 4, 1)
    const objectness = graph.node('Sigmoid', [conv(features, 32, 1, 1, 1, 1, -3)])
    const classes = graph.node('Sigmoid', [conv(features, 32, labels.length, 1)])
    const map = graph.node('Concat', [box, objectness, classes], { axis: 1 })
    return graph.node('Reshape', [map, graph.int64([1, 5 + labels.length, edge * edge])])
  })
  graph.node('Transpose', [graph.node('Concat', rows, { axis: 2 })], { perm: [0, 2, 1] }, 'output')
  const cells = maps.reduce((sum, { edge }) => sum + edge * edge, 0)
  graph.outputs.push({ name: 'output', type: 'float32', shape: [1, cells, 5 + labels.length] })
  return writeModel(graph, {
    producer: { name: 'test', version: '1' },
    metadata: { names: JSON.stringify({ ...labels }) },
  }).finish()
}

/** Colours of the shapes in `writeShapes`, by class. */
const SHAPES = { red: [220, 40, 40], green: [40, 200, 60], blue: [50, 70, 230] } as const

/**
 * A YOLO set of pictures with a few coloured squares on noise, made by code: learnable in seconds.
 *
 * @param parts pictures of each part; a single part `all` has no division
 * @returns path of its data.yaml
 */
export async function writeShapes(
  folder: string,
  parts: Readonly<Record<string, number>>,
  size = 64,
): Promise<string> {
  const names = Object.keys(SHAPES)
  for (const [part, pictures] of Object.entries(parts)) {
    await mkdir(join(folder, 'images', part), { recursive: true })
    await mkdir(join(folder, 'labels', part), { recursive: true })
    for (let i = 0; i < pictures; i++) {
      const { pixels, lines } = shapesPicture(`${part}${i}`, size)
      const raw = { width: size, height: size, channels: 3 } as const
      await sharp(pixels, { raw })
        .png()
        .toFile(join(folder, 'images', part, `${part}${i}.png`))
      await writeFile(join(folder, 'labels', part, `${part}${i}.txt`), `${lines.join('\n')}\n`)
    }
  }
  const paths = Object.keys(parts).map((part) => `${part === 'all' ? 'train' : part}: images/${part}`)
  const both = Object.keys(parts).includes('all') ? ['val: images/all'] : []
  await writeFile(
    join(folder, 'data.yaml'),
    [...paths, ...both, `names: [${names.join(', ')}]`, ''].join('\n'),
  )
  return join(folder, 'data.yaml')
}

function shapesPicture(name: string, size: number): { pixels: Uint8Array; lines: string[] } {
  const random = seededRandom([...name].reduce((sum, letter) => 31 * sum + letter.charCodeAt(0), 7))
  const pixels = Uint8Array.from({ length: 3 * size * size }, () => 90 + random() * 50)
  const lines: string[] = []
  for (const column of [0, 1]) {
    for (const row of [0, 1]) {
      if (random() < 0.4) {
        continue
      }
      const classId = Math.floor(random() * 3)
      const edge = Math.round(size * (0.2 + 0.2 * random()))
      const left = Math.round((column * size) / 2 + random() * (size / 2 - edge))
      const top = Math.round((row * size) / 2 + random() * (size / 2 - edge))
      for (let y = top; y < top + edge; y++) {
        for (let x = left; x < left + edge; x++) {
          pixels.set(Object.values(SHAPES)[classId]!, 3 * (y * size + x))
        }
      }
      const [w, h] = [edge / size, edge / size]
      lines.push(`${classId} ${left / size + w / 2} ${top / size + h / 2} ${w} ${h}`)
    }
  }
  return { pixels, lines }
}
