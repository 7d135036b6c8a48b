import type { Module } from '../module.ts'
import type { Value } from '../network/network.ts'
import type { Grid } from './grid.ts'

export interface ExtraContext {
  module: Module
  inputs: readonly Value[]
  branch: (name: string) => Module
  grid: Grid
  branches: { prefix: string }
}

/** What comes with a box: columns of its row, or outputs of their own. */
export interface Extra {
  columns: Value[]
  outputs: Value[]
  exempt: string[]
  angle?: Value
  keypoints?: [number, number]
}
