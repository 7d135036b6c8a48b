import { createHash } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { basename, relative } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { BoxletError, toBoxletError } from '../errors.ts'
import { JOB_DEFAULTS } from '../jobs/defaults.ts'
import type { JobOptions, PictureSource } from '../jobs/job.ts'
import type { JobService } from '../jobs/service.ts'
import { Wake } from '../jobs/wake.ts'
import { printable } from '../system/printable.ts'
import { filesBelow, looksWhole } from './watched-files.ts'

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

/** Between two looks; a folder of many files is looked at less often, so that looking takes a twentieth of the time. */
const LOOK_MS = 500
const LOOK_SHARE = 20
/** A file without its end, as an upload that pauses leaves it, gets this much longer to become whole. */
const INCOMPLETE_MS = 30_000
/** Of the two parts of a sequencer: the time, then the version. */
const DIGITS = 16
/** Files handed in together. */
const AT_ONCE = 128
/** Between two notices of one and the same thing. */
const NOTICE_MS = 3_600_000

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
  readonly #told = new Map<string, number>()
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
        this.#tell(faultOf(error))
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

  /** Once an hour of one and the same thing, not at each look. */
  #tell(line: string): void {
    const now = performance.now()
    if (now - (this.#told.get(line) ?? -NOTICE_MS) >= NOTICE_MS) {
      this.#told.set(line, now)
      this.#onNotice(`${this.#settings.folder}: ${line}`)
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
    if (info === undefined && path.includes('\ufffd')) {
      this.#tell(
        `${printable(relative(this.#folder, path))} has a name that is not UTF-8; rename it to have it taken.`,
      )
    }
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
    const version = createHash('sha256').update(`${info.size} ${info.mtimeNs} ${info.ino}`).digest('hex')
    return {
      path,
      seen: current,
      time: info.mtimeNs > 0n ? info.mtimeNs : 0n,
      version: version.slice(0, DIGITS),
    }
  }

  async #submit(ready: readonly Ready[]): Promise<void> {
    await Promise.all(
      ready.map(async (file) => {
        const known = await this.#submitOne(file, file.time)
        // What lies there now is newest, whatever clocks said when it was written; the same file is done already.
        if (known !== undefined && known.slice(DIGITS) !== file.version) {
          await this.#submitOne(file, BigInt(`0x${known.slice(0, DIGITS)}`) + 1n)
        }
        file.seen.done = true
      }),
    )
  }

  /** @returns the sequencer of a version that the store takes to be at least as new, if there is one */
  async #submitOne({ path, version }: Ready, time: bigint): Promise<string | undefined> {
    const { options = {}, beside } = this.#settings
    const sequencer = time.toString(16).padStart(DIGITS, '0') + version
    try {
      const { created } = await this.#service.submit(this.#tenant, {
        options: { ...options, ...(beside && { besides: 'picture' as const }) },
        batch: basename(this.#folder),
        pictures: [
          {
            name: relative(this.#folder, path),
            source: await this.#place.sourceOf(path),
            arrival: { identity: `file:${this.#place.name}${path}`, sequencer },
          },
        ],
      })
      if (created) {
        this.submitted++
      }
      return undefined
    } catch (error) {
      const { code, details } = toBoxletError(error)
      if (code !== 'JOB_CONFLICT' || typeof details?.known !== 'string') {
        throw error
      }
      return details.known
    }
  }
}

interface Ready {
  path: string
  seen: Seen
  /** Nanoseconds since 1970 of its last change. */
  time: bigint
  /** Tells it from what lay under the same name before. A change of its rights makes no other version. */
  version: string
}

/** A folder that is renamed or away for a while is looked for again and again. */
function faultOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENODEV' || code === 'ESTALE') {
    return 'the folder is gone; its pictures are taken once it is back.'
  }
  if (code === 'EACCES' || code === 'EPERM') {
    return 'the folder cannot be read: its rights do not allow it.'
  }
  const { message, hint = '' } = toBoxletError(error)
  return `${message} ${hint}`.trim()
}
