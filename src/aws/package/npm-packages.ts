import { createRequire } from 'node:module'
import { join } from 'node:path'
import { PACKAGE_ROOT } from './package-root.ts'

/** A package of npm whose code is in the zip. */
export interface NpmPackage {
  name: string
  version: string
  /** As the package names it, an SPDX expression mostly. */
  licence: string
  /** Where it is installed. */
  folder: string
}

/** @param inputs paths of bundled files from the root of this package */
export function npmPackages(inputs: readonly string[]): NpmPackage[] {
  const require = createRequire(import.meta.url)
  const found = new Map<string, NpmPackage>()
  for (const input of inputs) {
    const path = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]
    if (path === undefined || found.has(path)) {
      continue
    }
    const folder = join(PACKAGE_ROOT, path)
    const {
      name,
      version,
      license: licence = 'unknown',
    } = require(join(folder, 'package.json')) as { name: string; version: string; license?: string }
    found.set(path, { name, version, licence, folder })
  }
  return [...found.values()].sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

const keyOf = ({ name, version }: NpmPackage): string => `${name}@${version}`
