import type { Storage, Tensor } from '../tensor.ts'

/**
 * What a pickle can hold here. Tuples, lists and sets become arrays, dictionaries become Maps (never plain
 * objects: their keys are a stranger's), bytes stay bytes. Everything that Python would build by calling
 * something is an inert `PyObject`, which remembers what it was and does nothing.
 */
export type PyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyValue[]
  | PyDict
  | PyGlobal
  | PyObject
  | Storage
  | Tensor

export type PyDict = Map<PyValue, PyValue>

/** The name of a class or function. It is never looked up. */
export class PyGlobal {
  readonly module: string
  readonly name: string

  constructor(module: string, name: string) {
    this.module = module
    this.name = name
  }

  get path(): string {
    return `${this.module}.${this.name}`
  }
}

/** An object, or the result of a call that was not made. */
export class PyObject {
  /** What was instantiated or called. */
  readonly type: string
  readonly args: PyValue[]
  /** What `__setstate__` would have been given; the attributes, mostly. */
  state: PyValue | undefined
  /** Items that were added to an object that is a list or dictionary to Python. */
  readonly items: PyValue[] = []

  constructor(type: string, args: PyValue[]) {
    this.type = type
    this.args = args
  }

  /** Attributes of the object; empty when its state is not a dictionary. */
  get attributes(): PyDict {
    return this.state instanceof Map ? this.state : NO_ATTRIBUTES
  }
}

const NO_ATTRIBUTES: PyDict = new Map()
