/**
 * Writes src/aws/package/native-parts.ts: the native libraries of each architecture of Lambda, at the versions
 * of package-lock.json, with their hashes. Run it after an update of sharp or onnxruntime-node:
 *
 *   node scripts/native-parts.js && npx biome check --write src/aws/package/native-parts.ts
 */
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { extract } from 'tar'

const root = join(import.meta.dirname, '..')
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages
const scratch = mkdtempSync(join(tmpdir(), 'native-parts-'))

function libraries(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(node|so(\.[\d.]+)?)$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

/** Unpacks the published package, after npm has checked its integrity against the lock file. */
async function fetchPackage(name, version, integrity) {
  const [packed] = JSON.parse(
    execFileSync('npm', ['pack', `${name}@${version}`, '--json', '--pack-destination', scratch], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }),
  )
  if (packed.integrity !== integrity) {
    throw new Error(`Expected ${integrity} for ${name} but received ${packed.integrity}.`)
  }
  const folder = mkdtempSync(join(scratch, 'unpacked-'))
  await extract({ file: join(scratch, packed.filename), cwd: folder })
  return folder
}

const parts = {}
try {
  for (const [arch, suffix] of [
    ['arm64', 'arm64'],
    ['x86_64', 'x64'],
  ]) {
    parts[arch] = []
    const wanted = [
      ['onnxruntime-node', `package/bin/napi-v6/linux/${suffix}`, 'native/onnxruntime'],
      [`@img/sharp-linux-${suffix}`, 'package/lib', `native/sharp-linux-${suffix}/lib`],
      [`@img/sharp-libvips-linux-${suffix}`, 'package/lib', `native/sharp-libvips-linux-${suffix}/lib`],
    ]
    for (const [name, inside, target] of wanted) {
      const { version, integrity } = lock[`node_modules/${name}`]
      const folder = await fetchPackage(name, version, integrity)
      for (const file of libraries(join(folder, inside))) {
        const bytes = readFileSync(file)
        parts[arch].push({
          package: name,
          version,
          integrity,
          path: relative(folder, file),
          target: `${target}/${file.slice(file.lastIndexOf('/') + 1)}`,
          bytes: bytes.length,
          sha256: createHash('sha256').update(bytes).digest('hex'),
        })
      }
    }
  }
} finally {
  rmSync(scratch, { recursive: true, force: true })
}
writeFileSync(
  join(root, 'src/aws/package/native-parts.ts'),
  `/** Native libraries of a Lambda package. Written by scripts/native-parts.js from package-lock.json. */
import type { Architecture } from './architecture.ts'

export interface NativePart {
  package: string
  version: string
  /** Of the published package. */
  integrity: string
  /** In the published package. */
  path: string
  /** In the zip. */
  target: string
  bytes: number
  sha256: string
}

export const NATIVE_PARTS: Record<Architecture, readonly NativePart[]> = ${JSON.stringify(parts)}
`,
)
