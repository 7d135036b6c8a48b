import { readFile } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Page } from '../api/options.ts'

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
}

/** Names that the build gives: nothing that could climb out of the folder. */
const ASSET = /^\/assets\/[\w-]+(?:\.[\w-]+)*\.(?:js|css|svg|png)$/

/** The built playground, from the folder beside the built code. Files are read once and kept: all are small. */
export function pageFiles(folder: URL): Page {
  const kept = new Map<string, Awaited<ReturnType<Page['get']>>>()
  return {
    async get(path) {
      const name = path === '/' ? '/index.html' : path
      if (name !== '/index.html' && name !== '/favicon.svg' && !ASSET.test(name)) {
        return undefined
      }
      if (!kept.has(name)) {
        const body = await read(new URL(`.${name}`, folder))
        if (body === undefined) {
          return undefined
        }
        const contentType = TYPES[extname(name)] ?? 'application/octet-stream'
        // Built assets carry a hash of their content in their name.
        kept.set(name, { contentType, body, immutable: name.startsWith('/assets/') })
      }
      return kept.get(name)
    },
  }
}

async function read(url: URL): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await readFile(url))
  } catch {
    return undefined
  }
}
