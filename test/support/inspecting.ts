import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

export interface Inspected {
  /** Exit code of the verb. */
  code: number
  said: string
  took: number
  /** Most memory of the process that looked, since it began. */
  mostBytes: number
}

/** A process that reads one model file after the other, and is ended and begun anew when one takes too long. */
export class Inspecting {
  readonly #mostMs: number
  #child: ChildProcessByStdio<Writable, Readable, null> | undefined
  #lines: Interface | undefined

  constructor(mostMs: number) {
    this.#mostMs = mostMs
  }

  /** @returns a word for what went wrong where the process was ended or ended itself */
  async look(path: string): Promise<Inspected | string> {
    const child = this.#started()
    const answer = new Promise<Inspected | string>((resolve) => {
      const late = setTimeout(() => resolve(`no answer within ${this.#mostMs} ms`), this.#mostMs)
      const done = (result: Inspected | string) => {
        clearTimeout(late)
        child.removeAllListeners('exit')
        this.#lines?.removeAllListeners('line')
        resolve(result)
      }
      this.#lines?.once('line', (line) => done(JSON.parse(line) as Inspected))
      child.once('exit', (code, signal) => done(`the process ended with ${code ?? signal}`))
    })
    child.stdin.write(`${path}\n`)
    const result = await answer
    if (typeof result === 'string' || result.mostBytes > RENEWED_BYTES) {
      this.close()
    }
    return result
  }

  close(): void {
    this.#child?.removeAllListeners('exit')
    this.#child?.kill('SIGKILL')
    this.#child = undefined
  }

  #started(): ChildProcessByStdio<Writable, Readable, null> {
    if (this.#child === undefined) {
      this.#child = spawn(process.execPath, [join(import.meta.dirname, 'graph-oracle.js')], {
        stdio: ['pipe', 'pipe', 'ignore'],
        env: { ...process.env, BOXLET_OFFLINE: '1' },
      })
      this.#child.stdin.on('error', () => {})
      this.#lines = createInterface({ input: this.#child.stdout })
    }
    return this.#child
  }
}

/** A process that has grown to this would be blamed for the files before. */
const RENEWED_BYTES = 500e6
