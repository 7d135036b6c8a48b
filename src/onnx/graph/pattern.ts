import type { OnnxModel, OnnxNode } from '../model.ts'
import type { Folder } from './fold.ts'
import { type Links, resolveConstant } from './links.ts'
import { weightValues } from './weight-values.ts'

export interface PatternContext {
  model: OnnxModel
  links: Links
  folder: Folder
}

/**
 * Steps for following arithmetic from a value back to where it comes from. Each gives undefined (`concat` an
 * empty list) when the graph is not of the form that its name says, so that a pattern ends at the first
 * difference.
 */
export class GraphPattern<Context extends PatternContext> {
  protected readonly context: Context

  constructor(context: Context) {
    this.context = context
  }

  node(name: string | undefined, op: string): OnnxNode | undefined {
    const node = name === undefined ? undefined : this.context.links.producers.get(name)
    return node?.op === op && node.domain === '' ? node : undefined
  }

  /** First input of the node that makes `name`, when that node is an `op`. */
  input(name: string | undefined, op: string): string | undefined {
    return this.node(name, op)?.inputs[0]
  }

  concat(name: string | undefined, axis: number, count: number): string[] {
    const node = this.node(name, 'Concat')
    return node?.attributes.get('axis')?.int === axis && node.inputs.length === count ? node.inputs : []
  }

  /** A value and the constant it is combined with, whichever comes first. */
  constantLast(node: OnnxNode): [value: string | undefined, constant: string | undefined] {
    const [a = '', b = ''] = node.inputs
    if (this.context.links.constants.has(b)) {
      return [a, b]
    }
    return this.context.links.constants.has(a) ? [b, a] : [undefined, undefined]
  }

  halved(name: string | undefined): string | undefined {
    const divided = this.node(name, 'Div')
    if (divided !== undefined) {
      return this.context.folder.value(divided.inputs[1]) === 2 ? divided.inputs[0] : undefined
    }
    const scaled = this.node(name, 'Mul')
    if (scaled === undefined) {
      return undefined
    }
    const [value, factor] = this.constantLast(scaled)
    return this.context.folder.value(factor) === 0.5 ? value : undefined
  }

  sameConstant(a: string, b: string): boolean {
    if (a === b) {
      return true
    }
    const x = this.numbers(a)
    const y = this.numbers(b)
    return x !== undefined && y !== undefined && sameNumbers(x, y)
  }

  numbers(name: string): number[] | undefined {
    const found = weightValues(this.context.model, this.context.links, name)
    return found === undefined ? undefined : [...found.values]
  }

  /** The value that Split or two Slices cut along axis 1 into parts of these sizes, in this order. */
  halves(first: string | undefined, second: string | undefined, sizes: [number, number]): string | undefined {
    const split = this.node(first, 'Split')
    if (split !== undefined) {
      const axis = split.attributes.get('axis')?.int
      const declared =
        split.attributes.get('split')?.ints ?? this.context.folder.values(split.inputs[1] ?? '')
      const inOrder = split.outputs.length === 2 && split.outputs[0] === first && split.outputs[1] === second
      return axis === 1 && inOrder && declared !== undefined && sameNumbers(declared, sizes)
        ? split.inputs[0]
        : undefined
    }
    const head = this.slice(first)
    const tail = this.slice(second)
    if (head === undefined || tail === undefined || head.from !== tail.from) {
      return undefined
    }
    const fits =
      head.start === 0 && head.end === sizes[0] && tail.start === sizes[0] && tail.end >= sizes[0] + sizes[1]
    return fits ? head.from : undefined
  }

  slice(name: string | undefined): { from: string; start: number; end: number } | undefined {
    const node = this.node(name, 'Slice')
    if (node === undefined) {
      return undefined
    }
    const { folder } = this.context
    const [from = '', ...rest] = node.inputs
    // Before opset 10 the bounds are attributes.
    const bound = (index: number, attribute: string) =>
      rest[index] === undefined || rest[index] === ''
        ? node.attributes.get(attribute)?.ints?.[0]
        : folder.value(rest[index])
    const start = bound(0, 'starts')
    const end = bound(1, 'ends')
    const step = rest[3] === undefined ? 1 : folder.value(rest[3])
    if (start === undefined || end === undefined || bound(2, 'axes') !== 1 || step !== 1) {
      return undefined
    }
    return { from, start, end }
  }

  /** Output channels of the convolution that makes a value. */
  channelsOf(name: string | undefined): number | undefined {
    const node = this.node(name, 'Conv')
    return node === undefined ? undefined : resolveConstant(this.context.links, node.inputs[1] ?? '')?.dims[0]
  }
}

const sameNumbers = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((value, index) => value === b[index])
