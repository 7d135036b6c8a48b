/** Colours of classes: the same class has the same colour in every picture and every run. */

/** Red, green, blue 0–255. */
export type Rgb = readonly [number, number, number]

/**
 * Twenty colours that differ in hue and in lightness, so that neighbours in the list stay apart for people with
 * the common colour weaknesses too. The first classes of most label lists are the frequent ones.
 *
 * source  after Kenneth Kelly, "Twenty-two colors of maximum contrast", 1965, without black and white
 */
const PALETTE: readonly Rgb[] = [
  [255, 179, 0],
  [0, 120, 215],
  [230, 25, 75],
  [60, 180, 75],
  [145, 70, 220],
  [66, 212, 244],
  [245, 130, 49],
  [240, 50, 230],
  [255, 250, 100],
  [128, 128, 0],
  [128, 0, 0],
  [250, 190, 212],
  [233, 90, 120],
  [170, 255, 195],
  [0, 128, 128],
  [0, 0, 150],
  [154, 99, 36],
  [220, 190, 255],
  [191, 239, 69],
  [120, 144, 156],
]

/** Turns of the colour circle between one class and the next beyond the palette: never repeats, always far. */
const GOLDEN_TURN = 0.618033988749895

/** In turn, so that the classes whose hues come nearest, two and three apart, differ in lightness. */
const LIGHTNESS = [0.45, 0.7, 0.32, 0.57]

/** Colour of a class by its id; negative and broken ids get one too. */
export function classColour(classId: number): Rgb {
  const id = Number.isFinite(classId) ? Math.abs(Math.trunc(classId)) : 0
  if (id < PALETTE.length) {
    return PALETTE[id]!
  }
  const hue = (id * GOLDEN_TURN) % 1
  return fromHsl(hue, 0.8, LIGHTNESS[id % LIGHTNESS.length]!)
}

function fromHsl(hue: number, saturation: number, lightness: number): Rgb {
  const reach = saturation * Math.min(lightness, 1 - lightness)
  const channel = (n: number): number => {
    const k = (n + hue * 12) % 12
    return Math.round(255 * (lightness - reach * Math.max(-1, Math.min(k - 3, 9 - k, 1))))
  }
  return [channel(0), channel(8), channel(4)]
}

const BLACK: Rgb = [0, 0, 0]
const WHITE: Rgb = [255, 255, 255]

/** Black or white, whichever reads better on the colour; at least 4.5 : 1 on any. */
export const textColour = (on: Rgb): Rgb => (contrast(on, BLACK) >= contrast(on, WHITE) ? BLACK : WHITE)

/** source  WCAG 2.2, contrast ratio and relative luminance */
export function contrast(a: Rgb, b: Rgb): number {
  const [light, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x) as [number, number]
  return (light + 0.05) / (dark + 0.05)
}

function luminance([red, green, blue]: Rgb): number {
  const linear = (value: number): number =>
    value <= 10.31475 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4
  return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
}
