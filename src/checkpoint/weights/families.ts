import { dfine } from './dfine.ts'
import type { WeightFamily } from './family.ts'
import { rtdetr } from './rtdetr.ts'
import { yolox } from './yolox.ts'

/** Networks that are built from weights alone. */
export const WEIGHT_FAMILIES: readonly WeightFamily[] = [yolox, dfine, rtdetr]
