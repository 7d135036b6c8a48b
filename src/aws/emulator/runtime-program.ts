/** The program that runs a function: a Node, and the runtime client that it starts with. */
import { execFile, spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { BoxletError } from '../../errors.ts'
import type { Sandbox } from './sandbox.ts'

export async function nodeMajor(node: string): Promise<number> {
  if (node === process.execPath) {
    return Number.parseInt(process.versions.node, 10)
  }
  try {
    const { stdout } = await promisify(execFile)(node, ['-p', 'process.versions.node'])
    return Number.parseInt(stdout, 10)
  } catch (cause) {
    throw new BoxletError('USAGE', `Expected a Node program for the runtime but could not run "${node}".`, {
      cause,
    })
  }
}

/** False where that user may not reach the program, as with a Node below the home folder of root. */
export function runsAs(node: string, user: number): boolean {
  return spawnSync(node, ['-e', ''], { uid: user, gid: user, cwd: '/' }).status === 0
}

/** Written into the sandbox, so that its user can read it and no TypeScript reaches the child. */
export async function buildBootstrap(sandbox: Sandbox): Promise<string> {
  const own = fileURLToPath(import.meta.url)
  const outfile = join(sandbox.root, 'bootstrap.mjs')
  await build({
    entryPoints: [own.replace(/runtime-program\.(ts|js)$/, 'bootstrap.$1')],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  })
  chmodSync(outfile, 0o444)
  return outfile
}

/** Where the AWS SDK lies here; the managed runtime brings its own. */
export function sdkFolder(): string | undefined {
  try {
    const path = createRequire(import.meta.url).resolve('@aws-sdk/client-s3')
    return path.slice(0, path.lastIndexOf(`${sep}@aws-sdk${sep}`))
  } catch {
    return undefined
  }
}
