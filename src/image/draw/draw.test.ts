import fc from 'fast-check'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { corpusBytes, hasCorpus } from '../../../test/support/corpus.ts'
import type { Detection } from '../../boxes/detection.ts'
import type { RgbImage } from '../rgb-image.ts'
import { fitText, layoutChips } from './chips.ts'
import { classColour, contrast, textColour } from './colours.ts'
import { drawDetections } from './draw.ts'
import { drawableText, renderGlyphs, textWidth } from './text.ts'

const grey = (width: number, height: number): RgbImage => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(128),
})
const bus = (over: Partial<Detection> = {}): Detection => ({
  label: 'bus',
  classId: 5,
  score: 0.87,
  box: { x1: 20, y1: 40, x2: 60, y2: 80 },
  ...over,
})
/** Pixels of the annotated picture. */
async function drawn(image: RgbImage, detections: Detection[], options = {}): Promise<RgbImage> {
  const bytes = await drawDetections(image, detections, { format: 'png', ...options })
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true })
  return { data, width: info.width, height: info.height }
}
const at = ({ data, width }: RgbImage, x: number, y: number) => [
  ...data.subarray((y * width + x) * 3).subarray(0, 3),
]

describe('classColour', () => {
  it('is the same for a class at any time and differs between the first twenty', () => {
    const colours = Array.from({ length: 20 }, (_, id) => classColour(id).join())
    expect(new Set(colours).size).toBe(20)
    expect(Array.from({ length: 20 }, (_, id) => classColour(id).join())).toEqual(colours)
  })

  it('gives every class a colour that text can be read on', () => {
    fc.assert(
      fc.property(fc.integer({ min: -5, max: 100_000 }), (id) => {
        const colour = classColour(id)
        expect(colour.every((value) => value >= 0 && value <= 255)).toBe(true)
        expect(contrast(colour, textColour(colour))).toBeGreaterThanOrEqual(4.5)
      }),
    )
  })
})

describe('drawableText', () => {
  it.each([
    ['person', 'person'],
    ['Überlänge', 'Überlänge'],
    ['U\u0308ber', 'Über'],
    ['автобус', 'автобус'],
    ['ǎ', 'a'],
    ['traffic\n\tlight', 'traffic light'],
    ['cat 🐈', 'cat'],
    ['ﬁre', 'fire'],
  ])('writes %j as %j', (label, text) => {
    expect(drawableText(label)).toBe(text)
  })

  it.each(['猫', 'قطة', 'a猫'])('does not write %j by halves', (label) => {
    expect(drawableText(label)).toBeUndefined()
    expect(fitText({ label, classId: 15, score: 0.5 }, 500, 14)).toBe('#15 0.50')
  })

  it('renders a stencil for every visible character, with ink in it', async () => {
    const sheet = await renderGlyphs(['Hé Ж9'], 20)
    expect([...sheet.glyphs.keys()].sort()).toEqual(['9', 'H', 'é', 'Ж'])
    for (const { data } of sheet.glyphs.values()) {
      expect(Math.max(...data)).toBe(255)
    }
  })
})

describe('layoutChips', () => {
  const edge = fc.double({ min: -50, max: 900, noNaN: true })
  const wish = fc.record({
    box: fc.tuple(edge, edge, edge, edge).map(([a, b, c, d]) => ({
      x1: Math.min(a, b),
      x2: Math.max(a, b),
      y1: Math.min(c, d),
      y2: Math.max(c, d),
    })),
    label: fc.string({ maxLength: 60 }),
    classId: fc.nat(90),
    score: fc.double({ min: 0, max: 1, noNaN: true }),
  })

  it('keeps every chip inside the picture and every text inside its chip', () => {
    fc.assert(
      fc.property(
        fc.array(wish, { maxLength: 30 }),
        fc.record({ width: fc.integer({ min: 1, max: 900 }), height: fc.integer({ min: 1, max: 900 }) }),
        fc.integer({ min: 11, max: 60 }),
        (wishes, picture, size) => {
          const chips = layoutChips(wishes, picture, size)
          expect(chips.length).toBe(wishes.length)
          for (const chip of chips) {
            expect(chip.x1).toBeGreaterThanOrEqual(0)
            expect(chip.y1).toBeGreaterThanOrEqual(0)
            expect(chip.x2).toBeLessThanOrEqual(picture.width)
            expect(chip.y2).toBeLessThanOrEqual(picture.height)
            expect(textWidth(chip.text, size)).toBeLessThanOrEqual(chip.x2 - chip.x1)
          }
        },
      ),
    )
  })

  it('moves a label aside where a better one stands', () => {
    const [first, second] = layoutChips([bus(), bus({ label: 'car' })], { width: 300, height: 300 }, 14)
    expect(first!.y2).toBe(40)
    expect(second!.y1).toBeGreaterThanOrEqual(40)
  })
})

describe('drawDetections', () => {
  it('draws the box in the colour of its class and leaves the rest alone', async () => {
    const image = await drawn(grey(640, 480), [bus({ box: { x1: 100, y1: 200, x2: 300, y2: 400 } })])
    const colour = [...classColour(5)]
    for (const [x, y] of [
      [100, 300],
      [299, 300],
      [200, 200],
      [200, 399],
    ] as const) {
      expect(at(image, x, y)).toEqual(colour)
    }
    for (const [x, y] of [
      [200, 300],
      [50, 50],
      [320, 300],
    ] as const) {
      expect(at(image, x, y)).toEqual([128, 128, 128])
    }
  })

  it('does not change the pixels it was given', async () => {
    const image = grey(640, 480)
    await drawDetections(image, [bus()])
    expect(image.data.every((value) => value === 128)).toBe(true)
  })

  it('lays masks half transparent, over their own pixels only', async () => {
    const data = Uint8Array.from({ length: 100 }, (_, i) => (i % 10 < 5 ? 1 : 0))
    const mask = { left: 200, top: 100, width: 10, height: 10, data }
    const image = await drawn(grey(640, 480), [bus({ mask })], { labels: false })
    const half = classColour(5).map((value) => 128 + (value - 128) / 2)
    at(image, 202, 105).forEach((value, i) => {
      expect(Math.abs(value - half[i]!)).toBeLessThanOrEqual(1)
    })
    expect(at(image, 207, 105)).toEqual([128, 128, 128])
  })

  it('draws keypoints that are seen and leaves out those that are not', async () => {
    const keypoints = [
      { x: 300, y: 300, score: 0.9 },
      { x: 400, y: 300, score: 0.1 },
    ]
    const image = await drawn(grey(640, 480), [bus({ keypoints })])
    expect(at(image, 300, 300)).toEqual([...classColour(5)])
    expect(at(image, 400, 300)).toEqual([128, 128, 128])
  })

  it('draws a turned box by its corners', async () => {
    const corners = [
      { x: 300, y: 100 },
      { x: 400, y: 200 },
      { x: 300, y: 300 },
      { x: 200, y: 200 },
    ]
    const turned = bus({ angle: Math.PI / 4, corners, box: { x1: 200, y1: 100, x2: 400, y2: 300 } })
    const image = await drawn(grey(640, 480), [turned], { labels: false })
    expect(at(image, 350, 150)).toEqual([...classColour(5)])
    expect(at(image, 200, 100)).toEqual([128, 128, 128])
  })

  it('enlarges a small picture until labels have room', async () => {
    const image = await drawn(grey(50, 38), [bus({ box: { x1: 5, y1: 10, x2: 45, y2: 30 } })])
    expect([image.width, image.height]).toEqual([500, 380])
    expect(at(image, 50, 200)).toEqual([...classColour(5)])
  })

  it('survives any detection on any picture', async () => {
    const any = fc.double({ min: -1e4, max: 1e4 })
    const detection = fc.record({
      label: fc.string(),
      classId: fc.integer(),
      score: fc.double({ min: 0, max: 1, noNaN: true }),
      box: fc.record({ x1: any, y1: any, x2: any, y2: any }),
      keypoints: fc.array(fc.record({ x: any, y: any, score: fc.constant(1) }), { maxLength: 3 }),
    })
    const size = fc.record({
      width: fc.integer({ min: 1, max: 300 }),
      height: fc.integer({ min: 1, max: 300 }),
    })
    await fc.assert(
      fc.asyncProperty(size, fc.array(detection, { maxLength: 5 }), async ({ width, height }, detections) => {
        const bytes = await drawDetections(grey(width, height), detections as Detection[])
        expect(bytes.length).toBeGreaterThan(0)
      }),
      { numRuns: 40 },
    )
  })

  it('refuses an unknown format and a quality out of range', async () => {
    for (const options of [{ format: 'bmp' as 'png' }, { quality: 0 }, { quality: 90.5 }]) {
      await expect(drawDetections(grey(9, 9), [], options)).rejects.toMatchObject({ code: 'USAGE' })
    }
  })

  it('says so when a format cannot hold a picture that long', async () => {
    await expect(drawDetections(grey(17_000, 2), [], { format: 'webp' })).rejects.toMatchObject({
      code: 'USAGE',
      message: 'Expected at most 16383 pixels along an edge for webp but received 17000.',
    })
  })
})

describe.skipIf(!hasCorpus)('drawDetections on encoded pictures', () => {
  it('draws in the upright frame and keeps no EXIF orientation', async () => {
    const bytes = corpusBytes('images/orientation/exif-6.jpg')
    const meta = await sharp(await drawDetections(bytes, [bus()])).metadata()
    expect([meta.format, meta.width, meta.height, meta.orientation]).toEqual(['jpeg', 426, 640, undefined])
  })
})
