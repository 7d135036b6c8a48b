import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LambdaHost, type LambdaHostOptions } from '../../src/aws/emulator/lambda-host.ts'
import { hostArchitecture } from '../../src/aws/package/architecture.ts'
import {
  buildPackage,
  type PackageOptions,
  type PackageResult,
  writePackage,
} from '../../src/aws/package/build-package.ts'
import { streetBytes, streetModel } from '../support/street.ts'

/** Where a package for this machine can be built and run. */
export const canRunPackage = hostArchitecture() !== undefined && process.platform === 'linux'
export const picture = Buffer.from(streetBytes)

export interface Packaged {
  built: PackageResult
  folder: string
  /** The zip first, then layers. */
  files: string[]
  open(options?: Partial<LambdaHostOptions>): Promise<LambdaHost>
  close(): Promise<void>
}

/** The package as a user builds it, and hosts of it that are closed together. IAM decides, as by default. */
export async function packageFunction(request: Partial<PackageOptions> = {}): Promise<Packaged> {
  const folder = mkdtempSync(join(tmpdir(), 'boxlet-function-'))
  const built = await buildPackage({
    arch: hostArchitecture()!,
    model: streetModel(),
    acceptedLicences: [],
    env: process.env,
    signal: new AbortController().signal,
    ...request,
  })
  const files = await writePackage(built, folder)
  const hosts: LambdaHost[] = []
  return {
    built,
    folder,
    files,
    async open({ environment, ...options } = {}) {
      const host = await LambdaHost.open({
        zip: files[0]!,
        memoryMb: 1024,
        environment: { BOXLET_AUTH: 'iam', ...environment },
        ...options,
      })
      hosts.push(host)
      return host
    },
    async close() {
      for (const host of hosts) {
        await host.close()
      }
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
