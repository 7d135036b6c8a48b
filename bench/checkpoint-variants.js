// Converted checkpoints against what PyTorch gave for the same picture: the largest difference of each file.
//
//   npm run build && node bench/checkpoint-variants.js FOLDER [NAME ...]
//
// FOLDER is one of test/python/checkpoint_variants.py or checkpoint_detr_goldens.py --published: NAME.pt, input-EDGE.npy, and
// NAME.raw.outputN.npy (a row for every cell) or NAME.e2e.output0.npy (rows of a one-to-one head, in any order).
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { convertCheckpoint } from '../dist/checkpoint/checkpoint.js'
import { openSource } from '../dist/checkpoint/source.js'

/** Rows whose boxes are farther apart are of different places: pixels, and shares of the picture. */
const LIKE = { pixels: 1, shares: 0.002 }

const [folder, ...names] = process.argv.slice(2)
if (folder === undefined) {
  console.error('usage: node bench/checkpoint-variants.js FOLDER [NAME ...]')
  process.exit(2)
}
const all = readdirSync(folder).filter((file) => file.endsWith('.pt'))
let worst = 0
for (const name of names.length > 0 ? names : all.map((file) => file.slice(0, -3))) {
  for (const form of ['raw', 'e2e']) {
    if (existsSync(join(folder, `${name}.${form}.output0.npy`))) {
      try {
        worst = Math.max(worst, await compare(name, form))
      } catch (error) {
        console.log(`${name.padEnd(24)} ${form} ${error.message}`)
      }
    }
  }
}
console.log(`largest difference of a box: ${worst.toExponential(1)} px`)

/** @returns pixels of the box that is farthest off */
async function compare(name, form) {
  const { source, close } = openSource(join(folder, `${name}.pt`))
  const convert = (options) => convertCheckpoint(source, options)
  const { onnx, head, size } = oneOf(convert, form)
  const input = npy(`input-${size.height}`)
  const session = await InferenceSession.create(onnx.finish())
  close()
  const results = await session.run({ images: new Tensor('float32', input.data, input.shape) })
  await session.release()
  const differences = session.outputNames.map((output, i) => {
    const expected = npy(`${name}.${form}.output${i}`)
    const received = results[output]
    if (received.dims.join() !== expected.shape.join()) {
      throw new Error(`Expected [${expected.shape}] but received [${received.dims}].`)
    }
    const isRows = i === 0 && (form === 'e2e' || head.kind !== undefined)
    return isRows
      ? byRow(received.data, expected, head.kind === undefined ? LIKE.pixels : LIKE.shares)
      : byPlace(received.data, expected, i === 0)
  })
  // Rows of queries are shares of the picture.
  const boxes = differences[0].boxes * (head.kind === undefined ? 1 : size.height)
  const rest = Math.max(...differences.map((one) => one.rest))
  const alone = differences[0].alone ? `, ${differences[0].alone} rows of other places` : ''
  console.log(
    `${name.padEnd(24)} ${form} boxes ${boxes.toExponential(1)} px, rest ${rest.toExponential(1)}${alone}`,
  )
  return boxes
}

/** Networks with one head have nothing to choose. */
function oneOf(convert, form) {
  try {
    return convert({ oneToOne: form === 'e2e' })
  } catch {
    return convert({})
  }
}

/** Values [1, rows, cells], of which the first four rows are boxes. */
function byPlace(data, { shape, data: expected }, hasBoxes) {
  const boxValues = hasBoxes && shape.length === 3 ? 4 * shape[2] : 0
  let [boxes, rest] = [0, 0]
  for (const [i, value] of expected.entries()) {
    const difference = Math.abs(value - data[i])
    if (i < boxValues) {
      boxes = Math.max(boxes, difference)
    } else {
      rest = Math.max(rest, difference)
    }
  }
  return { boxes, rest }
}

/** Rows [1, rows, 4 + n], each against the one that is most like it. */
function byRow(data, { shape, data: expected }, like) {
  const [, rows, columns] = shape
  let [boxes, rest, alone] = [0, 0, 0]
  for (let row = 0; row < rows; row++) {
    let best = [Number.POSITIVE_INFINITY, 0]
    for (let other = 0; other < rows; other++) {
      const pair = [0, 0]
      for (let i = 0; i < columns; i++) {
        const difference = Math.abs(data[row * columns + i] - expected[other * columns + i])
        pair[i < 4 ? 0 : 1] = Math.max(pair[i < 4 ? 0 : 1], difference)
      }
      if (pair[0] + pair[1] < best[0] + best[1]) {
        best = pair
      }
    }
    // The last of the best places differ where two have the same score but for rounding.
    if (best[0] > like) {
      alone += 1
      continue
    }
    boxes = Math.max(boxes, best[0])
    rest = Math.max(rest, best[1])
  }
  return { boxes, rest, alone }
}

function npy(name) {
  const bytes = readFileSync(join(folder, `${name}.npy`))
  const start = 10 + bytes.readUInt16LE(8)
  const shape = [...bytes.toString('latin1', 10, start).matchAll(/(?<='shape': \([^)]*)\d+/g)].map(Number)
  return { shape, data: new Float32Array(new Uint8Array(bytes.subarray(start)).buffer) }
}
