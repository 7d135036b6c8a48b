import { type FSWatcher, watch } from 'node:fs'
import { open, readdir, realpath, stat } from 'node:fs/promises'
import { basename, join, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BoxletError, toBoxletError } from '../errors.ts'
import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import type { JobOptions, PictureSource } from '../jobs/job.ts'
import type { JobService } from '../jobs/service.ts'
import { Wake } from '../jobs/wake.ts'

export interface WatchSettings {
  folder: string
  /** Result beside the picture, `x.jpg.json`, as well as in the store. */
  beside: boolean
  options?: JobOptions
}

/** Where the watched folder lies, as seen by those who work on its pictures. */
export interface WatchPlace {
  /** Tells the same path on two machines apart. */
  name: string
  sourceOf(path: string): Promise<PictureSource>
}

const OF_THIS_MACHINE: WatchPlace = {
  name: '',
  sourceOf: async (path) => ({ kind: 'file', path, noLinks: true }),
}

export interface FolderWatch {
  /** Pictures that were handed in since the start. */
  readonly submitted: number
  /** Resolves when what is there at the moment has been looked at and handed in, or waits to be written whole. */
  looked(): Promise<void>
  stop(): Promise<void>
}

/** A file as it was when it was last looked at. */
interface Seen {
  size: number
  mtimeMs: number
  ino: number
  /** Since when size and time have been still, by the clock of this process. */
  stillSince: number
  done: boolean
}

const IS_PICTURE = /\.(?:jpe?g|jpe|jfif|png|webp|avif|gif|tiff?|svg)$/i
/** Hidden files are those that uploads and editors have under way; `~` and `~$` mark the same elsewhere. */
const IS_HIDDEN = /^[.~]/
/** Between two looks; a folder of many files is looked at less often, so that looking takes a twentieth of the time. */
const LOOK_MS = 500
const LOOK_SHARE = 20
/** A file without its end, as an upload that pauses leaves it, gets this much longer to become whole. */
const INCOMPLETE_MS = 30_000
/** Where the end of a picture is looked for: cameras write thumbnails and notes behind it. */
const TAIL_BYTES = 64 * 1024
/** Files handed in together. */
const AT_ONCE = 128

/**
 * Makes a job of each picture in a folder, and in those below it, once it is written whole. A file that is replaced is
 * a new picture; one that was handed in before a restart is known by the store. Links are not followed: whoever may
 * write into the folder could read with them what is not theirs.
 *
 * Folders are looked through again and again, since events are lost on network disks; those of the system only make
 * the next look come sooner.
 *
 * @throws BoxletError USAGE where there is no such folder
 */
export async function watchFolder(
  settings: WatchSettings,
  tenant: string,
  service: JobService,
  onNotice: (line: string) => void,
  place: WatchPlace = OF_THIS_MACHINE,
): Promise<FolderWatch> {
  const folder = await realpath(settings.folder).catch(() => undefined)
  if (folder === undefined || !(await stat(folder)).isDirectory()) {
    throw new BoxletError('USAGE', `Expected a folder to watch but "${settings.folder}" is none.`)
  }
  const watcher = new Watcher(folder, settings, tenant, service, onNotice, place)
  watcher.start()
  return watcher
}

class Watcher implements FolderWatch {
  submitted = 0
  readonly #folder: string
  readonly #settings: WatchSettings
  readonly #tenant: string
  readonly #service: JobService
  readonly #onNotice: (line: string) => void
  readonly #place: WatchPlace
  readonly #seen = new Map<string, Seen>()
  readonly #end = new AbortController()
  readonly #sooner = new Wake()
  #running: Promise<void> = Promise.resolve()
  #looks: (() => void)[] = []
  #events: FSWatcher | undefined

  constructor(
    folder: string,
    settings: WatchSettings,
    tenant: string,
    service: JobService,
    onNotice: (line: string) => void,
    place: WatchPlace,
  ) {
    this.#place = place
    this.#folder = folder
    this.#settings = settings
    this.#tenant = tenant
    this.#service = service
    this.#onNotice = onNotice
  }

  start(): void {
    try {
      this.#events = watch(this.#folder, { persistent: false }, () => this.#sooner.wake())
      this.#events.on('error', () => {})
    } catch {
      // A system without events, or with none left: looking alone finds everything too.
    }
    this.#running = this.#run()
  }

  looked(): Promise<void> {
    return new Promise((resolve) => this.#looks.push(resolve))
  }

  async stop(): Promise<void> {
    this.#end.abort()
    this.#sooner.wake()
    this.#events?.close()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#end.signal.aborted) {
      const waiting = this.#looks.splice(0)
      const started = performance.now()
      const seen = this.#sooner.calls
      try {
        await this.#look()
      } catch (error) {
        const { message, hint = '' } = toBoxletError(error)
        this.#onNotice(`${this.#settings.folder}: ${message} ${hint}`.trim())
      }
      for (const resolve of waiting) {
        resolve()
      }
      const took = performance.now() - started
      await this.#sooner.sleep(Math.max(LOOK_MS, took * LOOK_SHARE), seen)
      if (this.#sooner.calls !== seen && !this.#end.signal.aborted) {
        // Many files come with many events; one look serves them all.
        await sleep(LOOK_MS / 5)
      }
    }
  }

  async #look(): Promise<void> {
    const present = new Set<string>()
    let ready: Ready[] = []
    for await (const path of filesBelow(this.#folder)) {
      if (this.#end.signal.aborted) {
        return
      }
      present.add(path)
      const file = await this.#isReady(path)
      if (file !== undefined) {
        ready.push(file)
      }
      if (ready.length === AT_ONCE) {
        await this.#submit(ready)
        ready = []
      }
    }
    await this.#submit(ready)
    for (const path of this.#seen.keys()) {
      if (!present.has(path)) {
        this.#seen.delete(path)
      }
    }
  }

  /** A file that has not been handed in and is written whole. */
  async #isReady(path: string): Promise<Ready | undefined> {
    const info = await stat(path, { bigint: true }).catch(() => undefined)
    if (info === undefined || !info.isFile()) {
      return undefined
    }
    const now = performance.now()
    const [size, mtimeMs, ino] = [Number(info.size), Number(info.mtimeMs), Number(info.ino)]
    const seen = this.#seen.get(path)
    if (seen === undefined || seen.size !== size || seen.mtimeMs !== mtimeMs || seen.ino !== ino) {
      // What lay still before this process began need not prove it again.
      const age = Date.now() - Number(info.ctimeMs)
      const known = seen === undefined ? Math.max(0, Math.min(age, INCOMPLETE_MS)) : 0
      this.#seen.set(path, { size, mtimeMs, ino, stillSince: now - known, done: false })
    }
    const current = this.#seen.get(path)!
    const still = now - current.stillSince
    if (current.done || still < JOB_DEFAULTS.settleMs) {
      return undefined
    }
    if (still < INCOMPLETE_MS && !(await looksWhole(path, size))) {
      return undefined
    }
    return { path, seen: current, sequencer: info.ctimeNs.toString(16).padStart(16, '0') }
  }

  async #submit(ready: readonly Ready[]): Promise<void> {
    const { options = {}, beside } = this.#settings
    await Promise.all(
      ready.map(async ({ path, seen, sequencer }) => {
        const name = relative(this.#folder, path)
        try {
          const { created } = await this.#service.submit(this.#tenant, {
            options: { ...options, ...(beside && { besides: 'picture' as const }) },
            batch: basename(this.#folder),
            pictures: [
              {
                name,
                source: await this.#place.sourceOf(path),
                arrival: { identity: `file:${this.#place.name}${path}`, sequencer },
              },
            ],
          })
          if (created) {
            this.submitted++
          }
        } catch (error) {
          if (toBoxletError(error).code !== 'JOB_CONFLICT') {
            throw error
          }
          this.#onNotice(`${name} is older than what was seen of it before; left out.`)
        }
        seen.done = true
      }),
    )
  }
}

interface Ready {
  path: string
  seen: Seen
  sequencer: string
}

/** Pictures by their names, folder by folder. */
async function* filesBelow(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries) {
    if (IS_HIDDEN.test(entry.name)) {
      continue
    }
    const path = join(folder, entry.name)
    if (entry.isDirectory()) {
      yield* filesBelow(path)
    } else if (entry.isFile() && IS_PICTURE.test(entry.name)) {
      yield path
    }
  }
}

/** Whether the file has the end of its format, for the formats whose end is easily found. */
async function looksWhole(path: string, size: number): Promise<boolean> {
  if (size === 0) {
    return false
  }
  const file = await open(path, 'r').catch(() => undefined)
  if (file === undefined) {
    return false
  }
  try {
    const head = await read(0, 4)
    const tail = await read(Math.max(0, size - TAIL_BYTES), Math.min(size, TAIL_BYTES))
    if (head[0] === 0xff && head[1] === 0xd8) {
      return tail.includes(Buffer.from([0xff, 0xd9]))
    }
    if (head.subarray(1).toString('latin1') === 'PNG') {
      return tail.includes('IEND')
    }
    return true
  } finally {
    await file.close()
  }

  async function read(start: number, length: number): Promise<Buffer> {
    const { buffer, bytesRead } = await file!.read(Buffer.alloc(length), 0, length, start)
    return buffer.subarray(0, bytesRead)
  }
}
