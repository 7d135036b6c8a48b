import { BoxletError } from '../errors.ts'
import type { Augmentation } from './augment/placement.ts'
import { STRIDE } from './input-size.ts'
import type { Recipe } from './run/recipe.ts'

/** What a person may say about a run; all of it may be left out. */
export interface Settings {
  seed: number
  /** The small, short recipe. */
  quick: boolean
  /** Edge of the input in pixels. */
  size?: number
  /** How often each picture is shown. */
  epochs?: number
  /** Instead of `epochs`: as many as these minutes hold. */
  minutes?: number
  /** Share 0–1 of the network that learns, from its last layers on. */
  learn?: number
  workers: number
  batch?: number
  mirror?: boolean
  mosaic?: number
  /** Highest learning rate of the body. */
  rate?: number
}

/**
 * The recipe, chosen on validation pictures of BCCD alone, each choice by runs that differ in it. What the choice cost
 * or brought is beside it; AP50 of three seeds differs by ± 0.01.
 */
const DEFAULTS = {
  /** Half of the network frozen: 0.82 instead of 0.90 AP50, for 61 instead of 88 ms a picture. */
  learn: 0.9,
  batch: 4,
  /** 2e-3 is as good: it is flat here. */
  rate: 1e-3,
  /** Layers that start from nothing. */
  headFactor: 3,
  clip: 10,
  latePart: 1 / 3,
  /** Pictures that are shown, in all: 24 times each, within these bounds. */
  epochs: 24,
  passes: [1200, 6000],
} as const

const QUICK = { size: 320, rate: 1.5e-3, epochs: 8, passes: [480, 2400] } as const

/** Below this many pictures mosaic helps (+ 0.02 to 0.04 AP50 at 10 and 25), above it costs boxes (− 0.045 AP75). */
const FEW_PICTURES = 50

const STRONG: Augmentation = { zoom: [0.5, 1.5], mirror: true, colour: true, mosaic: 0.7 }
const USUAL: Augmentation = { zoom: [0.6, 1.4], mirror: true, colour: true, mosaic: 0 }
const LATE: Augmentation = { zoom: [0.8, 1.2], mirror: true, colour: true, mosaic: 0 }

/**
 * Turns settings into a recipe for so many pictures.
 *
 * @param inputSize where the settings name none
 */
export function planRecipe(settings: Settings, pictures: number, inputSize: number): Recipe {
  const length = settings.quick ? QUICK : DEFAULTS
  const size = settings.size ?? (settings.quick ? Math.min(inputSize, QUICK.size) : inputSize)
  if (size % STRIDE !== 0) {
    const near = Math.max(STRIDE, Math.round(size / STRIDE) * STRIDE)
    throw new BoxletError('USAGE', `Expected a multiple of ${STRIDE} for --size but received ${size}.`, {
      hint: `For example --size ${near}.`,
    })
  }
  const [least, most] = length.passes
  const passes =
    settings.epochs === undefined
      ? Math.min(most, Math.max(least, length.epochs * pictures))
      : settings.epochs * pictures
  const batch = settings.batch ?? DEFAULTS.batch
  const strong = pictures < FEW_PICTURES ? STRONG : USUAL
  const own = { mirror: settings.mirror ?? true, mosaic: settings.mosaic ?? strong.mosaic }
  return {
    seed: settings.seed,
    size,
    batch,
    steps: Math.max(1, Math.ceil(passes / batch)),
    workers: Math.min(settings.workers, batch),
    frozen: 1 - (settings.learn ?? DEFAULTS.learn),
    rate: settings.rate ?? length.rate,
    headFactor: DEFAULTS.headFactor,
    clip: DEFAULTS.clip,
    augmentation: { ...strong, ...own },
    lateAugmentation: { ...LATE, mirror: own.mirror },
    latePart: DEFAULTS.latePart,
  }
}

/** Least steps between two looks of the supervisor: each costs the workers a wait for one another. */
const LEAST_ROUND = 20

/** Steps after which the supervisor looks at a run: an epoch, or several of a small set. */
export function roundOf(recipe: Recipe, pictures: number): number {
  const epoch = Math.max(1, Math.round(pictures / recipe.batch))
  return epoch * Math.ceil(LEAST_ROUND / epoch)
}
