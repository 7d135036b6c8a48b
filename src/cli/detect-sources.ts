import { readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { glob, isDynamicPattern } from 'tinyglobby'
import { BoxletError } from '../errors.ts'
import { DEFAULT_MAX_BYTES } from '../image/decode.ts'
import { fetchImage } from '../image/fetch-url.ts'

/** Endings taken from folders and patterns; a file that is named is read whatever it is called. */
const PICTURE_ENDINGS = 'jpg,jpeg,jpe,jfif,png,webp,avif,gif,tif,tiff,svg'

/** One picture to be detected, not read yet. */
export interface PictureSource {
  /** As the user would name it. */
  name: string
  /** Where an annotated copy goes inside the output folder, without ending. */
  outputStem: string
  read(signal: AbortSignal): Promise<Uint8Array>
}

export interface SourceOptions {
  stdin: Readable
  /** Addresses in private networks, and plain http, may be fetched. */
  allowPrivate: boolean
}

/**
 * Files, folders (with everything below), patterns, `-` for standard input and `https` addresses, in the order
 * given and by name within a folder.
 *
 * @throws BoxletError IMAGE_NOT_FOUND for a folder or pattern without pictures
 */
export async function pictureSources(
  inputs: readonly string[],
  options: SourceOptions,
): Promise<PictureSource[]> {
  const sources: PictureSource[] = []
  for (const input of inputs) sources.push(...(await expand(input, options)))
  return withDistinctStems(sources)
}

async function expand(input: string, options: SourceOptions): Promise<PictureSource[]> {
  if (input === '-') return [{ name: '-', outputStem: 'stdin', read: () => readAll(options.stdin) }]
  if (/^https?:\/\//i.test(input)) return [fromAddress(input, options)]
  const info = await stat(input).catch(() => undefined)
  if (info?.isDirectory()) return fromPattern(input, `**/*.{${PICTURE_ENDINGS}}`, 'folder')
  if (info === undefined && isDynamicPattern(input))
    return fromPattern('.', input.replaceAll(sep, '/'), 'pattern')
  return [fromFile(input, stemOf(input.split(/[\\/]/).at(-1)!))]
}

async function fromPattern(folder: string, pattern: string, what: string): Promise<PictureSource[]> {
  const found = await glob(pattern, { cwd: folder, caseSensitiveMatch: false, onlyFiles: true })
  if (found.length === 0) {
    throw new BoxletError(
      'IMAGE_NOT_FOUND',
      `Expected pictures in the ${what} but "${what === 'folder' ? folder : pattern}" has none.`,
      {
        hint: `Endings looked for: ${PICTURE_ENDINGS.replaceAll(',', ', ')}.`,
      },
    )
  }
  const order = new Intl.Collator('en', { numeric: true })
  return found
    .sort(order.compare)
    .map((path) => fromFile(folder === '.' ? path : join(folder, path), safeStem(relative('.', path))))
}

/** A pattern may climb out of the working folder; its outputs may not. */
const safeStem = (path: string): string =>
  stemOf(
    path
      .split(/[\\/]/)
      .filter((part) => part !== '..' && part !== '.' && part !== '')
      .join('/'),
  )

const stemOf = (name: string): string => name.replace(/\.[^./\\]+$/, '')

const fromFile = (path: string, outputStem: string): PictureSource => ({
  name: path,
  outputStem,
  read: async (signal) => {
    try {
      const info = await stat(path)
      if (info.isDirectory())
        throw new BoxletError('IMAGE_NOT_FOUND', `Expected a picture but "${path}" is a folder.`)
      if (info.size > DEFAULT_MAX_BYTES) {
        throw new BoxletError(
          'IMAGE_TOO_LARGE',
          `Expected at most ${DEFAULT_MAX_BYTES} bytes for a picture but received ${info.size}.`,
        )
      }
      return await readFile(path, { signal })
    } catch (cause) {
      throw fileError(path, cause)
    }
  },
})

function fileError(path: string, cause: unknown): unknown {
  const code = (cause as NodeJS.ErrnoException).code
  if (cause instanceof BoxletError || (cause as Error).name === 'AbortError') return cause
  return code === 'ENOENT' || code === 'ENOTDIR'
    ? new BoxletError('IMAGE_NOT_FOUND', `Expected a picture but "${path}" does not exist.`, { cause })
    : new BoxletError(
        'IMAGE_UNREADABLE',
        `Expected a readable picture but "${path}" cannot be read (${code ?? 'unknown reason'}).`,
        { cause },
      )
}

function fromAddress(address: string, { allowPrivate }: SourceOptions): PictureSource {
  const last = URL.canParse(address) ? new URL(address).pathname.split('/').at(-1) : undefined
  const stem = stemOf(last ?? '').replace(/[^\w.-]+/g, '_')
  return {
    name: withoutSecrets(address),
    outputStem: stem === '' ? 'picture' : stem,
    read: (signal) =>
      fetchImage(address, { signal, allowPrivate, allowHttp: allowPrivate, maxBytes: DEFAULT_MAX_BYTES }),
  }
}

/** Signed addresses carry credentials in the query, and old ones a password before the host. */
function withoutSecrets(address: string): string {
  if (!URL.canParse(address)) return address
  const url = new URL(address)
  return `${url.origin}${url.pathname}`
}

async function readAll(stream: Readable): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of stream) {
    const chunk = typeof part === 'string' ? Buffer.from(part) : (part as Uint8Array)
    bytes += chunk.length
    if (bytes > DEFAULT_MAX_BYTES) {
      throw new BoxletError(
        'IMAGE_TOO_LARGE',
        `Expected at most ${DEFAULT_MAX_BYTES} bytes for a picture but received more.`,
      )
    }
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}

/** Two files of one name in different folders must not write over one another. */
function withDistinctStems(sources: PictureSource[]): PictureSource[] {
  const seen = new Map<string, number>()
  return sources.map((source) => {
    const key = source.outputStem.toLowerCase()
    const count = (seen.get(key) ?? 0) + 1
    seen.set(key, count)
    return count === 1 ? source : { ...source, outputStem: `${source.outputStem}-${count}` }
  })
}
