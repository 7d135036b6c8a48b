import { fileURLToPath } from 'node:url'

/** Root of this package; paths inside the bundle are relative to it, so that they are the same everywhere. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../../', import.meta.url))

/** The same expression finds TypeScript in a checkout under test and JavaScript in a build. */
export const handlerFile = (name: string): string => {
  const extension = import.meta.url.slice(import.meta.url.lastIndexOf('.'))
  return fileURLToPath(new URL(`../function/${name}${extension}`, import.meta.url))
}
