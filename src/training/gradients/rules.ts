import { reluGradient, sigmoidGradient } from './activation.ts'
import { addGradient, mulGradient } from './arithmetic.ts'
import { concatGradient } from './concat.ts'
import { convGradient } from './conv.ts'
import type { GradientRule } from './gradient.ts'
import { maxPoolGradient } from './max-pool.ts'
import { resizeGradient } from './resize.ts'

/** Operators that a network may consist of between the layers that learn and its outputs. */
export const GRADIENT_RULES: ReadonlyMap<string, GradientRule> = new Map([
  ['Add', addGradient],
  ['Concat', concatGradient],
  ['Conv', convGradient],
  ['LeakyRelu', reluGradient],
  ['MaxPool', maxPoolGradient],
  ['Mul', mulGradient],
  ['Relu', reluGradient],
  ['Resize', resizeGradient],
  ['Sigmoid', sigmoidGradient],
])
