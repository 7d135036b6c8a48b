import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'

export type Task = 'detect' | 'segment' | 'pose' | 'obb' | 'classify'

/** Height and width of the picture in pixels. */
export interface ImageSize {
  height: number
  width: number
}

export interface HeadOptions {
  size: ImageSize
  /**
   * Where a network has two heads: the one whose rows need no suppression, or the one with a row for every
   * cell. Undefined follows the file.
   */
  oneToOne: boolean | undefined
}

export interface HeadResult {
  /** In the order and form in which the maker's exporter gives them. */
  outputs: Value[]
  task: Task
  /** Pixels of a cell at each level; none for classifiers. */
  strides: number[]
  classes: number
  /** Paths in the tree that this choice leaves out: the other head, and what only training needs. */
  exempt: string[]
  /** Class of the head, where its rows look like those of another one. */
  kind?: string
  /** Keypoints of an object and values of each. */
  keypoints?: [number, number]
  /** Whether the rows are of a one-to-one head; undefined where the network has only one. */
  oneToOne?: boolean
}

/** The last module of a network: what of its results makes boxes. */
export type Head = (
  builder: Builder,
  inputs: readonly Value[],
  module: Module,
  options: HeadOptions,
) => HeadResult
