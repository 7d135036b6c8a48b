import { realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { glob, isDynamicPattern } from 'tinyglobby'
import { BoxletError } from '../../errors.ts'
import { DEFAULT_MAX_BYTES } from '../../image/decode/accepted-format.ts'
import { fetchImage } from '../../image/fetch/fetch-url.ts'
import { readPictureFile, readPictureStream } from '../../image/fetch/picture-file.ts'
import { isOffline } from '../../store/store.ts'
import { counted } from '../../system/words.ts'
import { isTerminal } from '../kit/terminal.ts'

/** Endings taken from folders and patterns; a file that is named is read whatever it is called. */
const PICTURE_ENDINGS = 'jpg,jpeg,jpe,jfif,png,webp,avif,gif,tif,tiff,heic,heif'
const IS_PICTURE = new RegExp(`\\.(${PICTURE_ENDINGS.replaceAll(',', '|')})$`, 'i')

export const isPicture = (path: string): boolean => IS_PICTURE.test(path)

/** One picture to be detected, not read yet. */
export interface PictureSource {
  /** As the user would name it. */
  name: string
  /** Of a file. */
  path?: string
  /** Where an annotated copy goes inside the output folder, without ending. */
  outputStem: string
  read(signal: AbortSignal): Promise<Uint8Array>
}

export interface SourceOptions {
  stdin: Readable
  env: Record<string, string | undefined>
  /** Addresses in private networks, and plain http, may be fetched. */
  allowPrivate: boolean
  /** Lines for a person, such as files of a folder that are left out. */
  onNotice?: (line: string) => void
}

/**
 * Files, folders (with everything below), patterns, `-` for standard input and `https` addresses, in the order
 * given and by name within a folder.
 *
 * @throws BoxletError IMAGE_NOT_FOUND for a folder or pattern without pictures, USAGE, URL_REFUSED
 */
export async function pictureSources(
  inputs: readonly string[],
  options: SourceOptions,
): Promise<PictureSource[]> {
  const sources: PictureSource[] = []
  for (const input of inputs) {
    sources.push(...(await expand(input, options)))
  }
  return withDistinctStems(sources)
}

async function expand(input: string, options: SourceOptions): Promise<PictureSource[]> {
  if (input === '') {
    throw new BoxletError('USAGE', 'Expected the name of a picture but received "".')
  }
  if (input === '-') {
    return [fromStdin(options)]
  }
  if (/^https?:\/\//i.test(input)) {
    return [fromAddress(input, options)]
  }
  const scheme = /^([a-z][a-z0-9+.-]+):\/\//i.exec(input)?.[1]
  if (scheme !== undefined) {
    throw new BoxletError('URL_REFUSED', `Expected an https address but received one of ${scheme}.`, {
      hint: scheme === 'file' ? 'Give the path of the file.' : 'Fetch the picture, and give its path.',
    })
  }
  const info = await stat(input).catch(() => undefined)
  if (info?.isDirectory()) {
    return fromFolder(input, options)
  }
  if (info === undefined && isDynamicPattern(input)) {
    const { base, pattern } = patternParts(input.replaceAll(sep, '/'))
    const found = await glob(pattern, { ...GLOB, cwd: base === '' ? '.' : base })
    return asFiles(base, found, `pattern but "${input}"`)
  }
  return [fromFile(input, stemOf(input.split(/[\\/]/).at(-1)!))]
}

/**
 * The folders that a pattern names, and the rest. Names of what is found begin with these folders as they were
 * written, as they do where a shell expands the pattern.
 */
function patternParts(text: string): { base: string; pattern: string } {
  const parts = text.split('/')
  const first = parts.findIndex((part) => isDynamicPattern(part))
  const names = parts.slice(0, Math.max(first, 0))
  return {
    base: names.map((name) => `${name}/`).join(''),
    pattern: parts.slice(names.length).join('/'),
  }
}

const GLOB = { caseSensitiveMatch: false, onlyFiles: true } as const

async function fromFolder(folder: string, { onNotice }: SourceOptions): Promise<PictureSource[]> {
  const all = await glob('**/*', { ...GLOB, cwd: folder })
  const pictures = all.filter((path) => IS_PICTURE.test(path))
  const others = (await withoutLinkedTwins(folder, all)).filter((path) => !IS_PICTURE.test(path)).length
  const sources = await asFiles(folder === '.' ? '' : join(folder, sep), pictures, `folder but "${folder}"`)
  if (others > 0) {
    const files = counted(others, 'file')
    onNotice?.(`left out ${files} in "${folder}" without the ending of a picture`)
  }
  return sources
}

/** @param base folder as names begin with it, with its separator; empty for the working folder */
async function asFiles(base: string, found: string[], what: string): Promise<PictureSource[]> {
  if (found.length === 0) {
    throw new BoxletError('IMAGE_NOT_FOUND', `Expected pictures in the ${what} has none.`, {
      hint: `Endings looked for: ${PICTURE_ENDINGS.replaceAll(',', ', ')}.`,
    })
  }
  const order = new Intl.Collator('en', { numeric: true })
  return (await withoutLinkedTwins(base === '' ? '.' : base, found))
    .sort(order.compare)
    .map((path) => fromFile(base + path, safeStem(path)))
}

/** A link to a folder above leads to every picture again; the path without links stays. */
async function withoutLinkedTwins(folder: string, paths: string[]): Promise<string[]> {
  const root = await realpath(folder)
  const kept = new Map<string, string>()
  for (const path of paths) {
    const real = await realpath(join(folder, path)).catch(() => join(folder, path))
    if (!kept.has(real) || real === join(root, path)) {
      kept.set(real, path)
    }
  }
  return [...kept.values()]
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
  path,
  outputStem,
  read: (signal) => readPictureFile(path, { maxBytes: DEFAULT_MAX_BYTES, signal }),
})

function fromStdin({ stdin }: SourceOptions): PictureSource {
  if (isTerminal(stdin)) {
    throw new BoxletError('USAGE', 'Expected a picture on standard input but it is a terminal.', {
      hint: 'For example: cat photo.jpg | boxlet detect -',
    })
  }
  return { name: '-', outputStem: 'stdin', read: (signal) => readAll(stdin, signal) }
}

function fromAddress(address: string, { allowPrivate, env }: SourceOptions): PictureSource {
  const last = URL.canParse(address) ? new URL(address).pathname.split('/').at(-1) : undefined
  const stem = stemOf(last ?? '').replace(/[^\w.-]+/g, '_')
  return {
    name: withoutSecrets(address),
    outputStem: stem === '' ? 'picture' : stem,
    read: async (signal) => {
      if (isOffline(env)) {
        throw new BoxletError(
          'URL_REFUSED',
          'Expected files alone, since BOXLET_OFFLINE is set, but received an address.',
          {
            hint: 'Fetch the picture, and give its path; or unset BOXLET_OFFLINE.',
          },
        )
      }
      return fetchImage(address, {
        signal,
        allowPrivate,
        allowHttp: allowPrivate,
        maxBytes: DEFAULT_MAX_BYTES,
      }).catch((error: unknown) => {
        throw allowPrivate ? error : withPrivateHint(error)
      })
    },
  }
}

/** The service that refuses an address has another cure than its own machine. */
const withPrivateHint = (error: unknown): unknown =>
  error instanceof BoxletError && error.code === 'URL_REFUSED'
    ? new BoxletError(error.code, error.message, {
        cause: error.cause,
        hint: 'Add --allow-private to fetch from private networks and without encryption.',
      })
    : error

/** Signed addresses carry credentials in the query, and old ones a password before the host. */
function withoutSecrets(address: string): string {
  if (!URL.canParse(address)) {
    return address
  }
  const url = new URL(address)
  return `${url.origin}${url.pathname}`
}

const readAll = (stream: Readable, signal: AbortSignal): Promise<Uint8Array> =>
  readPictureStream(stream, { maxBytes: DEFAULT_MAX_BYTES, signal })

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
