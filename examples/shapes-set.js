/**
 * Makes a labelled set by code, to try `boxlet teach` without photos: squares in three colours on noise, as YOLO.
 *
 *     node examples/shapes-set.js FOLDER
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'

const [folder] = process.argv.slice(2)
if (folder === undefined) {
  console.error('Name a folder for the set.')
  process.exit(2)
}

const SIZE = 96
const PARTS = { train: 60, val: 15, test: 15 }
const COLOURS = { red: [220, 40, 40], green: [40, 200, 60], blue: [50, 70, 230] }

/** mulberry32: the same pictures on every machine. */
let state = 1
function random() {
  state = (state + 0x6d2b79f5) | 0
  let t = Math.imul(state ^ (state >>> 15), 1 | state)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

function makePicture() {
  const pixels = Uint8Array.from({ length: 3 * SIZE * SIZE }, () => 90 + random() * 50)
  const labels = []
  for (const [column, row] of [
    [0, 0],
    [1, 0],
    [0, 1],
    [1, 1],
  ]) {
    if (random() < 0.4) {
      continue
    }
    const colour = Math.floor(random() * 3)
    const edge = Math.round(SIZE * (0.15 + 0.25 * random()))
    const left = Math.round((column * SIZE) / 2 + random() * (SIZE / 2 - edge))
    const top = Math.round((row * SIZE) / 2 + random() * (SIZE / 2 - edge))
    for (let y = top; y < top + edge; y++) {
      for (let x = left; x < left + edge; x++) {
        pixels.set(Object.values(COLOURS)[colour], 3 * (y * SIZE + x))
      }
    }
    const centre = [(left + edge / 2) / SIZE, (top + edge / 2) / SIZE]
    labels.push([colour, ...centre, edge / SIZE, edge / SIZE].join(' '))
  }
  return { pixels, labels }
}

for (const [part, pictures] of Object.entries(PARTS)) {
  mkdirSync(join(folder, 'images', part), { recursive: true })
  mkdirSync(join(folder, 'labels', part), { recursive: true })
  for (let i = 1; i <= pictures; i++) {
    const { pixels, labels } = makePicture()
    const raw = { width: SIZE, height: SIZE, channels: 3 }
    await sharp(pixels, { raw })
      .png()
      .toFile(join(folder, 'images', part, `${part}-${i}.png`))
    writeFileSync(join(folder, 'labels', part, `${part}-${i}.txt`), `${labels.join('\n')}\n`)
  }
}
const parts = Object.keys(PARTS).map((part) => `${part}: images/${part}`)
writeFileSync(
  join(folder, 'data.yaml'),
  [...parts, `names: [${Object.keys(COLOURS).join(', ')}]`, ''].join('\n'),
)
console.log(`${folder}: ${Object.values(PARTS).join(' + ')} pictures for train, val and test`)
