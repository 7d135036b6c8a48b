/**
 * npm's own configuration, as npm would read it here: registries, scopes, proxies, certificates and
 * credentials from the environment and the `.npmrc` files of project, user and machine.
 */
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { RegistryOptions } from 'npm-registry-fetch'
import type { Environment } from '../../system/environment.ts'

export interface NpmConfiguration {
  /** What npm-registry-fetch takes. */
  options: RegistryOptions
  /** Host of the public registry, for npm's rule about addresses that a mirror passes on unchanged. */
  publicHost: string
}

export async function readNpmConfiguration(env: Environment): Promise<NpmConfiguration> {
  // Both are CommonJS; a default import of the second would need its types as well.
  const require = createRequire(import.meta.url)
  const Config = require('@npmcli/config') as NpmConfigClass
  const parts = require('@npmcli/config/lib/definitions') as NpmDefinitions
  const config = new Config({
    ...parts,
    // Only names the built-in npmrc that some distributions put beside npm.
    npmPath: join(dirname(process.execPath), '../../model/lib/node_modules/npm'),
    argv: [],
    // npm writes its findings into the environment that it is given.
    env: { ...env },
    cwd: process.cwd(),
    warn: false,
  })
  await config.load()
  return { options: config.flat, publicHost: new URL(parts.definitions.registry.default).host }
}

interface NpmDefinitions {
  definitions: { registry: { default: string } }
  shorthands: unknown
  flatten: unknown
  nerfDarts: unknown
}

type NpmConfigClass = new (
  options: NpmDefinitions & {
    npmPath: string
    argv: string[]
    env: Environment
    cwd: string
    warn: boolean
  },
) => { load(): Promise<void>; flat: RegistryOptions }
