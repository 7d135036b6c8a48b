import type { HeadOptions, HeadResult } from '../heads/head.ts'
import type { Module } from '../module.ts'
import type { Builder } from '../network/builder.ts'
import type { Value } from '../network/network.ts'
import type { PyDict } from '../pickle/values.ts'

/** A network that can be built from the names and shapes of its weights alone. */
export interface WeightFamily {
  /** Stands for the class of the network. */
  name: string
  /** Added to the variance by its batch norms. */
  epsilon: number
  /** Heads of its attention; 0 where it has none. */
  heads: number
  /** Whether these are its weights, by their names. */
  holds: (weights: PyDict) => boolean
  /** Pixels that the edges of the picture have to be a multiple of. */
  stride: number
  /** Edge of the picture that the maker trains a network of this kind with. */
  edge: (root: Module) => number
  /** What is assumed, as no name or shape tells it: a sentence each. */
  assumptions: (root: Module) => string[]
  /** @throws BoxletError MODEL_UNSUPPORTED for weights that do not fit */
  build: (builder: Builder, picture: Value, root: Module, options: HeadOptions) => HeadResult
}
