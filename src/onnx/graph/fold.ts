import { MAX_SIZE_LIST } from '../limits.ts'
import type { OnnxModel } from '../model.ts'
import { tensorValues } from '../read/values.ts'
import { combine } from '../shapes/shape-values.ts'
import type { Links } from './links.ts'

/** Exporters compute sizes in a few dozen nodes; a longer chain is not a size. */
const MAX_FOLD_DEPTH = 64

/**
 * Values of the small number chains with which exporters compute sizes: constants, `Shape` of something
 * reshaped to a fixed size, and arithmetic on them. Undefined for all else.
 */
export class Folder {
  readonly #model: OnnxModel
  readonly #links: Links
  readonly #known = new Map<string, number[] | undefined>()

  constructor(model: OnnxModel, links: Links) {
    this.#model = model
    this.#links = links
  }

  /** Numbers of a value, row-major; undefined for more than a size has. */
  values(name: string, depth = 0): number[] | undefined {
    if (this.#known.has(name)) {
      return this.#known.get(name)
    }
    const result = depth > MAX_FOLD_DEPTH ? undefined : this.#evaluate(name, depth)
    this.#known.set(name, result)
    return result
  }

  /** The one number of a value. */
  value(name: string | undefined): number | undefined {
    const values = name === undefined ? undefined : this.values(name)
    return values?.length === 1 ? values[0] : undefined
  }

  #evaluate(name: string, depth: number): number[] | undefined {
    const constant = this.#links.constants.get(name)
    if (constant !== undefined) {
      return constant.elements > MAX_SIZE_LIST ? undefined : tensorValues(this.#model.bytes, constant)
    }
    const node = this.#links.producers.get(name)
    if (node === undefined || node.inputs.length > MAX_SIZE_LIST) {
      return undefined
    }
    if (node.op === 'Constant') {
      const ints = node.attributes.get('value_ints')?.ints
      const int = node.attributes.get('value_int')?.int
      return ints ?? (int === undefined ? undefined : [int])
    }
    if (node.op === 'Shape') {
      return node.attributes.size > 0 ? undefined : this.#fixedShape(node.inputs[0] ?? '', depth)
    }
    const inputs = node.inputs.filter((input) => input !== '').map((input) => this.values(input, depth + 1))
    const result = inputs.every((input) => input !== undefined) ? combine(node, inputs) : undefined
    return (result?.length ?? 0) > MAX_SIZE_LIST ? undefined : result
  }

  /** Shape of a value that a Reshape just made, when all of it is written out. */
  #fixedShape(name: string, depth: number): number[] | undefined {
    const node = this.#links.producers.get(name)
    if (node?.op !== 'Reshape') {
      return undefined
    }
    const shape = this.values(node.inputs[1] ?? '', depth + 1)
    return shape?.every((size) => size > 0) ? shape : undefined
  }
}
