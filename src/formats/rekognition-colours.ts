import cssColours from 'color-name'
import type { DominantColor } from './rekognition-schema.ts'

/** Three bytes a pixel, some of which count. */
export interface Pixels {
  width: number
  height: number
  data: Uint8Array
}

/** 4 bits a channel: fine enough to separate what a person calls two colours. */
const SHIFT = 4
const ROUNDS = 8

interface Bin {
  lab: Lab
  weight: number
  red: number
  green: number
  blue: number
}
type Lab = readonly [number, number, number]

/**
 * The colours that cover most of the pixels, most first: k-means over a histogram in the Oklab space, where
 * distances fit what the eye sees. Starts from the heaviest bins far from each other, so it is repeatable.
 *
 * @param counts which pixels count; all by default
 */
export function dominantColours(
  pixels: Pixels,
  most: number,
  counts?: (index: number) => boolean,
): DominantColor[] {
  const bins = histogram(pixels, counts)
  const total = bins.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0 || most === 0) {
    return []
  }
  let centres = spread(bins, most)
  let groups: Bin[] = []
  for (let round = 0; round < ROUNDS; round++) {
    groups = assign(bins, centres)
    centres = groups.map(({ lab }) => lab)
  }
  return groups
    .filter(({ weight }) => weight > 0)
    .sort((a, b) => b.weight - a.weight)
    .map((group) => describe(group, total))
}

function histogram({ width, height, data }: Pixels, counts: ((index: number) => boolean) | undefined): Bin[] {
  const side = 256 >> SHIFT
  const sums = new Float64Array(side ** 3 * 4)
  for (let index = 0; index < width * height; index++) {
    if (counts !== undefined && !counts(index)) {
      continue
    }
    const [red, green, blue] = [data[index * 3]!, data[index * 3 + 1]!, data[index * 3 + 2]!]
    const at = (((red >> SHIFT) * side + (green >> SHIFT)) * side + (blue >> SHIFT)) * 4
    sums[at]! += 1
    sums[at + 1]! += red
    sums[at + 2]! += green
    sums[at + 3]! += blue
  }
  const bins: Bin[] = []
  for (let at = 0; at < sums.length; at += 4) {
    const weight = sums[at]!
    if (weight === 0) {
      continue
    }
    const [red, green, blue] = [sums[at + 1]! / weight, sums[at + 2]! / weight, sums[at + 3]! / weight]
    bins.push({ weight, red, green, blue, lab: oklab(red, green, blue) })
  }
  return bins
}

/** The heaviest bin first, then each time the bin whose weight and distance from the chosen ones are largest. */
function spread(bins: readonly Bin[], most: number): Lab[] {
  const chosen: Lab[] = []
  while (chosen.length < Math.min(most, bins.length)) {
    let best: Bin | undefined
    let bestValue = 0
    for (const bin of bins) {
      const gap = chosen.length === 0 ? 1 : Math.min(...chosen.map((lab) => squaredGap(lab, bin.lab)))
      if (bin.weight * gap > bestValue) {
        bestValue = bin.weight * gap
        best = bin
      }
    }
    if (best === undefined) {
      break
    }
    chosen.push(best.lab)
  }
  return chosen
}

function assign(bins: readonly Bin[], centres: readonly Lab[]): Bin[] {
  const groups = centres.map((lab): Bin => ({ lab, weight: 0, red: 0, green: 0, blue: 0 }))
  for (const bin of bins) {
    let nearest = groups[0]!
    let gap = Number.POSITIVE_INFINITY
    centres.forEach((centre, i) => {
      const to = squaredGap(centre, bin.lab)
      if (to < gap) {
        gap = to
        nearest = groups[i]!
      }
    })
    const weight = nearest.weight + bin.weight
    for (const channel of ['red', 'green', 'blue'] as const) {
      nearest[channel] = (nearest[channel] * nearest.weight + bin[channel] * bin.weight) / weight
    }
    nearest.weight = weight
  }
  for (const group of groups) {
    if (group.weight > 0) {
      group.lab = oklab(group.red, group.green, group.blue)
    }
  }
  return groups
}

function describe({ red, green, blue, weight, lab }: Bin, total: number): DominantColor {
  const [Red, Green, Blue] = [Math.round(red), Math.round(green), Math.round(blue)]
  const hex = [Red, Green, Blue].map((value) => value.toString(16).padStart(2, '0')).join('')
  return {
    Red,
    Green,
    Blue,
    HexCode: `#${hex}`,
    CSSColor: nearestName(lab, CSS_LABS),
    SimplifiedColor: simplified(lab),
    PixelPercent: (weight / total) * 100,
  }
}

/** Below this distance from grey a person names a colour by its lightness alone. */
const LEAST_CHROMA = 0.045

/**
 * One of twelve everyday names. The service does not publish its limits; these follow where the CSS colours of
 * the same names lie in Oklab.
 */
function simplified([lightness, a, b]: Lab): string {
  if (Math.hypot(a, b) < LEAST_CHROMA) {
    return lightness < 0.3 ? 'black' : lightness > 0.88 ? 'white' : 'grey'
  }
  const hue = ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360
  if (hue < 15 || hue >= 345) {
    return lightness < 0.4 ? 'purple' : 'pink'
  }
  if (hue < 50) {
    return lightness > 0.76 ? 'pink' : lightness < 0.42 ? 'brown' : 'red'
  }
  if (hue < 85) {
    return lightness < 0.62 ? 'brown' : 'orange'
  }
  if (hue < 125) {
    return lightness < 0.5 ? 'brown' : 'yellow'
  }
  if (hue < 170) {
    return 'green'
  }
  if (hue < 225) {
    return 'cyan'
  }
  if (hue < 290) {
    return 'blue'
  }
  return lightness > 0.8 ? 'pink' : 'purple'
}

const labsOf = (table: Record<string, readonly [number, number, number]>): [string, Lab][] =>
  Object.entries(table).map(([name, [red, green, blue]]) => [name, oklab(red, green, blue)])

function nearestName(lab: Lab, names: readonly [string, Lab][]): string {
  let best = ''
  let gap = Number.POSITIVE_INFINITY
  for (const [name, at] of names) {
    const to = squaredGap(lab, at)
    if (to < gap) {
      gap = to
      best = name
    }
  }
  return best
}

const squaredGap = (a: Lab, b: Lab): number => (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2 + (a[2] - b[2]) ** 2

/** sRGB 0–255 to Oklab. Source: Björn Ottosson, "A perceptual color space for image processing", 2020. */
function oklab(red: number, green: number, blue: number): Lab {
  const linear = (value: number) =>
    value <= 10.31475 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4
  const [r, g, b] = [linear(red), linear(green), linear(blue)]
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ]
}

const CSS_LABS = labsOf(cssColours)
