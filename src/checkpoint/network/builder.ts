import { quoted, unsupported } from '../limits.ts'
import type { Module } from '../module.ts'
import { exportHint } from '../ways.ts'
import { Network, type Value } from './network.ts'

/** What a class of modules computes. Most take one value; those that join layers take several. */
export type Block = (builder: Builder, inputs: readonly Value[], module: Module) => Value

/** Known classes by the last part of their names, for a family of packages. */
export interface Library {
  /** Whether classes of this full name are meant. */
  holds: (type: string) => boolean
  blocks: ReadonlyMap<string, Block>
}

/** Calls modules: looks up what their class computes and adds it to the network. */
export class Builder {
  readonly net = new Network()
  readonly #libraries: readonly Library[]

  constructor(libraries: readonly Library[]) {
    this.#libraries = libraries
  }

  call(module: Module, ...inputs: Value[]): Value {
    module.use()
    return this.net.within(module.path, () => this.#blockOf(module)(this, inputs, module))
  }

  /** Modules one after the other. */
  chain(modules: readonly Module[], input: Value): Value {
    let x = input
    for (const module of modules) {
      x = this.call(module, x)
    }
    return x
  }

  /** The input, then what each module makes of the result before it. */
  collect(modules: readonly Module[], inputs: readonly Value[]): Value[] {
    const values = [...inputs]
    for (const module of modules) {
      values.push(this.call(module, values.at(-1)!))
    }
    return values
  }

  #find({ type, name }: Module): Block | undefined {
    return this.#libraries.find(({ holds }) => holds(type))?.blocks.get(name)
  }

  #blockOf(module: Module): Block {
    const block = this.#find(module)
    if (block === undefined) {
      throw unsupported(
        'classes that Boxlet knows',
        `${quoted(module.type)} at ${quoted(module.path)}`,
        exportHint(module.type),
      )
    }
    return block
  }
}

/** The one input of a block. */
export function only(inputs: readonly Value[], module: Module): Value {
  const [x, ...more] = inputs
  if (x === undefined || more.length > 0) {
    throw module.unknown('one input', `${inputs.length}`)
  }
  return x
}
