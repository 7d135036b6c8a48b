import { corrupt, MAX_GLOBAL_CHARACTERS, MAX_MEMO, MAX_OPERATIONS, MAX_STACK, tooLarge } from '../limits.ts'
import { build, Copies, call } from './calls.ts'
import { OP } from './opcodes.ts'
import { PickleReader } from './reader.ts'
import { PyGlobal, PyObject, type PyValue } from './values.ts'

/** Gives what a persistent id stands for: a storage, mostly. */
export type Persistent = (id: PyValue) => PyValue

/**
 * Reads one pickle of protocol 2 to 5 as data. Nothing is imported and nothing is called: names of classes and
 * functions stay names, see `call` for the few whose results are known.
 *
 * @param at where the pickle begins; old files hold several
 * @returns the value, and the place after the pickle
 * @throws BoxletError MODEL_CORRUPT or MODEL_LIMIT
 */
export function unpickle(bytes: Uint8Array, persistent: Persistent, at = 0): { value: PyValue; end: number } {
  const reader = new PickleReader(bytes, at)
  const value = new Machine(reader, persistent).run()
  return { value, end: reader.at }
}

class Machine {
  readonly #reader: PickleReader
  readonly #persistent: Persistent
  readonly #stack: PyValue[] = []
  readonly #marks: number[] = []
  readonly #copies = new Copies()
  readonly #memo: PyValue[] = []

  constructor(reader: PickleReader, persistent: Persistent) {
    this.#reader = reader
    this.#persistent = persistent
  }

  run(): PyValue {
    for (let count = 0; count < MAX_OPERATIONS; count++) {
      const op = this.#reader.byte()
      if (op === OP.STOP) {
        return this.#pop()
      }
      this.#step(op)
      if (this.#stack.length > MAX_STACK || this.#marks.length > MAX_STACK) {
        throw tooLarge('values on the stack of the pickle', MAX_STACK, 'more')
      }
    }
    throw tooLarge('operations in the pickle', MAX_OPERATIONS, 'more')
  }

  #step(op: number): void {
    switch (op) {
      case OP.PROTO:
        this.#protocol(this.#reader.byte())
        break
      case OP.FRAME:
        this.#reader.take(8)
        break
      case OP.MARK:
        this.#marks.push(this.#stack.length)
        break
      case OP.POP:
        this.#pop()
        break
      case OP.NONE:
        this.#stack.push(null)
        break
      case OP.NEWTRUE:
      case OP.NEWFALSE:
        this.#stack.push(op === OP.NEWTRUE)
        break
      case OP.BININT:
        this.#stack.push(this.#reader.int32())
        break
      case OP.BININT1:
        this.#stack.push(this.#reader.byte())
        break
      case OP.BININT2:
        this.#stack.push(this.#reader.uint16())
        break
      case OP.LONG1:
        this.#stack.push(this.#reader.long(this.#reader.byte()))
        break
      case OP.BINFLOAT:
        this.#stack.push(this.#reader.float64())
        break
      case OP.BINUNICODE:
        this.#stack.push(this.#reader.text(this.#reader.length32()))
        break
      case OP.SHORT_BINUNICODE:
        this.#stack.push(this.#reader.text(this.#reader.byte()))
        break
      case OP.BINSTRING:
      case OP.BINBYTES:
        this.#stack.push(this.#reader.binary(this.#reader.length32()))
        break
      case OP.SHORT_BINSTRING:
      case OP.SHORT_BINBYTES:
        this.#stack.push(this.#reader.binary(this.#reader.byte()))
        break
      default:
        this.#compose(op)
    }
  }

  /** Containers, the memo, names and objects. */
  #compose(op: number): void {
    const stack = this.#stack
    switch (op) {
      case OP.EMPTY_TUPLE:
      case OP.EMPTY_LIST:
      case OP.EMPTY_SET:
        stack.push([])
        break
      case OP.EMPTY_DICT:
        stack.push(new Map())
        break
      case OP.TUPLE:
      case OP.FROZENSET:
        stack.push(this.#toMark())
        break
      case OP.TUPLE1:
      case OP.TUPLE2:
      case OP.TUPLE3: {
        const count = op - OP.TUPLE1 + 1
        this.#need(count)
        stack.push(stack.splice(stack.length - count))
        break
      }
      case OP.APPEND:
        this.#append([this.#pop()])
        break
      case OP.APPENDS:
      case OP.ADDITEMS:
        this.#append(this.#toMark())
        break
      case OP.SETITEM: {
        const value = this.#pop()
        this.#setItems([this.#pop(), value])
        break
      }
      case OP.SETITEMS:
        this.#setItems(this.#toMark())
        break
      case OP.BINPUT:
        this.#remember(this.#reader.byte())
        break
      case OP.LONG_BINPUT:
        this.#remember(this.#reader.length32())
        break
      case OP.MEMOIZE:
        this.#remember(this.#memo.length)
        break
      case OP.BINGET:
        this.#recall(this.#reader.byte())
        break
      case OP.LONG_BINGET:
        this.#recall(this.#reader.length32())
        break
      default:
        this.#object(op)
    }
  }

  #object(op: number): void {
    const stack = this.#stack
    switch (op) {
      case OP.GLOBAL:
        stack.push(new PyGlobal(this.#reader.line(), this.#reader.line()))
        break
      case OP.STACK_GLOBAL: {
        const name = this.#pop()
        stack.push(new PyGlobal(asName(this.#pop()), asName(name)))
        break
      }
      case OP.REDUCE:
      case OP.NEWOBJ: {
        const args = this.#pop()
        stack.push(call(this.#pop(), asArguments(args), this.#copies))
        break
      }
      case OP.NEWOBJ_EX: {
        this.#pop()
        const args = this.#pop()
        stack.push(call(this.#pop(), asArguments(args), this.#copies))
        break
      }
      case OP.BUILD: {
        const state = this.#pop()
        build(this.#top(), state)
        break
      }
      case OP.BINPERSID:
        stack.push(this.#persistent(this.#pop()))
        break
      default:
        throw corrupt(
          'operations of a pickle',
          `0x${op.toString(16).padStart(2, '0')} at ${this.#reader.at - 1}`,
        )
    }
  }

  #protocol(version: number): void {
    if (version < 2 || version > 5) {
      throw corrupt('a pickle of protocol 2 to 5', `protocol ${version}`)
    }
  }

  #append(values: PyValue[]): void {
    const target = this.#top()
    const list = Array.isArray(target) ? target : target instanceof PyObject ? target.items : undefined
    if (list === undefined) {
      throw corrupt('a list to add to', 'another value')
    }
    for (const value of values) {
      list.push(value)
    }
  }

  #setItems(pairs: PyValue[]): void {
    const target = this.#top()
    if (pairs.length % 2 !== 0) {
      throw corrupt('keys with values', `${pairs.length} values`)
    }
    if (target instanceof PyObject) {
      this.#append(pairs)
      return
    }
    if (!(target instanceof Map)) {
      throw corrupt('a dictionary to set items of', 'another value')
    }
    for (let index = 0; index < pairs.length; index += 2) {
      target.set(pairs[index]!, pairs[index + 1]!)
    }
  }

  #remember(key: number): void {
    if (key >= MAX_MEMO) {
      throw tooLarge('remembered values in the pickle', MAX_MEMO, key + 1)
    }
    this.#memo[key] = this.#top()
  }

  #recall(key: number): void {
    const value = this.#memo[key]
    if (value === undefined) {
      throw corrupt('a remembered value', `none under ${key}`)
    }
    this.#stack.push(value)
  }

  #toMark(): PyValue[] {
    const mark = this.#marks.pop()
    if (mark === undefined || mark > this.#stack.length) {
      throw corrupt('a mark on the stack of the pickle', 'none')
    }
    return this.#stack.splice(mark)
  }

  #pop(): PyValue {
    this.#need(1)
    return this.#stack.pop()!
  }

  #top(): PyValue {
    this.#need(1)
    return this.#stack.at(-1)!
  }

  /** Values below a mark are out of reach until the mark is taken. */
  #need(count: number): void {
    if (this.#stack.length - (this.#marks.at(-1) ?? 0) < count) {
      throw corrupt('values on the stack of the pickle', 'an empty stack')
    }
  }
}

function asArguments(value: PyValue): PyValue[] {
  if (!Array.isArray(value)) {
    throw corrupt('arguments of a call', 'another value')
  }
  return value
}

function asName(value: PyValue): string {
  if (typeof value !== 'string' || value.length > MAX_GLOBAL_CHARACTERS) {
    throw corrupt('the name of a class', 'another value')
  }
  return value
}
