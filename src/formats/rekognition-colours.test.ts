import { describe, expect, it } from 'vitest'
import { dominantColours } from './rekognition-colours.ts'
import { imageProperties } from './rekognition-properties.ts'

const plain = (red: number, green: number, blue: number) => ({
  width: 20,
  height: 20,
  data: Uint8Array.from({ length: 1200 }, (_, i) => [red, green, blue][i % 3]!),
})

describe('dominantColours', () => {
  it.each([
    [[0, 0, 0], 'black', 'black'],
    [[255, 255, 255], 'white', 'white'],
    [[128, 128, 128], 'grey', 'gray'],
    [[255, 0, 0], 'red', 'red'],
    [[0, 128, 0], 'green', 'green'],
    [[0, 0, 255], 'blue', 'blue'],
    [[255, 255, 0], 'yellow', 'yellow'],
    [[255, 165, 0], 'orange', 'orange'],
    [[128, 0, 128], 'purple', 'purple'],
    [[255, 192, 203], 'pink', 'pink'],
    [[139, 69, 19], 'brown', 'saddlebrown'],
    [[0, 255, 255], 'cyan', 'aqua'],
    [[28, 32, 47], 'black', 'midnightblue'],
  ] as const)('names %s', ([red, green, blue], simple, css) => {
    const [colour, ...others] = dominantColours(plain(red, green, blue), 5)
    expect(others).toEqual([])
    expect(colour).toMatchObject({
      Red: red,
      Green: green,
      Blue: blue,
      SimplifiedColor: simple,
      PixelPercent: 100,
    })
    expect([css, 'grey', 'cyan']).toContain(colour?.CSSColor)
  })

  it('orders colours by the share of pixels', () => {
    const picture = plain(255, 0, 0)
    picture.data.fill(0, 0, 300)
    const colours = dominantColours(picture, 10)
    expect(colours.map(({ SimplifiedColor, PixelPercent }) => [SimplifiedColor, PixelPercent])).toEqual([
      ['red', 75],
      ['black', 25],
    ])
  })

  it('gives no more colours than asked for, and none for none', () => {
    const data = Uint8Array.from({ length: 1200 }, (_, i) => (i * 7919) % 256)
    const noise = { width: 20, height: 20, data }
    expect(dominantColours(noise, 3).length).toBeLessThanOrEqual(3)
    expect(dominantColours(noise, 0)).toEqual([])
  })
})

describe('imageProperties', () => {
  it('tells foreground from background', () => {
    const picture = plain(255, 255, 255)
    for (let y = 5; y < 15; y++) {
      picture.data.fill(0, (y * 20 + 5) * 3, (y * 20 + 15) * 3)
    }
    const { Quality, Foreground, Background } = imageProperties(
      picture,
      [{ x1: 5, y1: 5, x2: 15, y2: 15 }],
      4,
    )
    expect(Foreground.DominantColors[0]).toMatchObject({ SimplifiedColor: 'black', PixelPercent: 100 })
    expect(Background.DominantColors[0]).toMatchObject({ SimplifiedColor: 'white', PixelPercent: 100 })
    expect(Quality.Brightness).toBeCloseTo(75, 3)
    expect(Foreground.Quality.Brightness).toBe(0)
    expect(Background.Quality.Brightness).toBeCloseTo(100, 3)
    expect(Quality.Contrast).toBeGreaterThan(50)
    expect(Quality.Sharpness).toBeGreaterThan(Background.Quality.Sharpness / 2)
  })

  it('gives zeros where there is no foreground', () => {
    const { Foreground } = imageProperties(plain(9, 9, 9), [], 4)
    expect(Foreground).toEqual({ Quality: { Brightness: 0, Sharpness: 0, Contrast: 0 }, DominantColors: [] })
  })
})
