/** The part of WebAssembly that is used here; TypeScript has its types among those of browsers only. */
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object) => { exports: unknown }
}

export interface KernelMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}

const PAGE_BYTES = 65_536
/** Rows of the largest cameras take a tenth of it. Memory of a module never shrinks. */
const MOST_KEPT_BYTES = 4 * 2 ** 20

/**
 * A small module of WebAssembly. Such a loop is fast from its first round, while one in JavaScript has to run some
 * hundred thousand times before it is compiled well: the difference is a tenth of a cold start.
 */
export class Kernel<Exports extends { memory: KernelMemory }> {
  readonly #base64: string
  #exports: Exports | undefined

  constructor(base64: string) {
    this.#base64 = base64
  }

  /** Its functions, over a memory of at least so many bytes. Arrays over the memory from before may be detached. */
  open(bytes: number): Exports {
    if (this.#exports === undefined) {
      const module = new WebAssembly.Module(bytesOf(this.#base64))
      this.#exports = new WebAssembly.Instance(module).exports as Exports
    }
    const missing = bytes - this.#exports.memory.buffer.byteLength
    if (missing > 0) {
      this.#exports.memory.grow(Math.ceil(missing / PAGE_BYTES))
    }
    return this.#exports
  }

  /** Call it when the results are read: a memory that one odd picture has made large is given up. */
  trim(): void {
    if (this.heldBytes > MOST_KEPT_BYTES) {
      this.#exports = undefined
    }
  }

  get heldBytes(): number {
    return this.#exports?.memory.buffer.byteLength ?? 0
  }
}

/** Where there is a Buffer it takes no time; letter by letter it is two milliseconds the first time. */
const bytesOf = (base64: string): Uint8Array =>
  typeof Buffer === 'undefined'
    ? Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
    : Buffer.from(base64, 'base64')
