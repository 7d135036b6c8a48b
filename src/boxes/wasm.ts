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

/**
 * Opens a small module of WebAssembly, from base64. Such a loop is fast from its first round, while one in JavaScript
 * has to run some hundred thousand times before it is compiled well: the difference is a tenth of a cold start.
 */
export function openKernel<Exports extends { memory: KernelMemory }>(base64: string): Exports {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))
  return new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports as Exports
}

/** Makes room for so many bytes. Arrays over the memory from before are then detached. */
export function reserve(memory: KernelMemory, bytes: number): void {
  const missing = bytes - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / PAGE_BYTES))
}
