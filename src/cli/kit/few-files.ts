import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** More than any call of Boxlet needs beside its own. */
const ENOUGH = 64
/** What Node says of its own modules and of native ones when it could not open a file on the way. */
const MISLEADING = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_DLOPEN_FAILED'])

/**
 * Node takes a package whose `package.json` it could not open for missing. Whether that was the reason is found out
 * by opening some files.
 */
export function fewFiles(error: unknown): Error | undefined {
  if (!(error instanceof Error) || !MISLEADING.has((error as NodeJS.ErrnoException).code ?? '')) {
    return undefined
  }
  const open: number[] = []
  try {
    for (let i = 0; i < ENOUGH; i++) {
      open.push(openSync(fileURLToPath(import.meta.url), 'r'))
    }
    return undefined
  } catch (reason) {
    return (reason as NodeJS.ErrnoException).code === 'EMFILE' ? (reason as Error) : undefined
  } finally {
    open.forEach(closeSync)
  }
}
