/** The bill of materials of a package, for tools that look for known faults and for licences. */
import { createHash } from 'node:crypto'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { defined } from '../../system/defined.ts'
import type { ModelManifest } from '../function/packaged-model.ts'
import type { Architecture } from './architecture.ts'
import { NATIVE_PARTS } from './native-parts.ts'
import type { NpmPackage } from './npm-packages.ts'
import { PACKAGE_ROOT } from './package-root.ts'

interface Component {
  type: 'application' | 'library' | 'machine-learning-model'
  'bom-ref': string
  name: string
  version: string
  purl?: string
  licenses?: ({ license: { name: string } } | { expression: string })[]
  hashes?: { alg: 'SHA-256'; content: string }[]
}

/** Licences of the packages that hold native libraries alone. */
const NATIVE_LICENCES: [start: string, expression: string][] = [
  ['onnxruntime-node', 'MIT'],
  ['@img/sharp-libvips', 'LGPL-3.0-or-later'],
  ['@img/sharp-linux', 'Apache-2.0'],
]

/** CycloneDX 1.6, without a time or a number of its own, so that the same package has the same one. */
export function sbom(
  arch: Architecture,
  zip: Uint8Array,
  packages: readonly NpmPackage[],
  model: ModelManifest | undefined,
): object {
  const { version } = createRequire(import.meta.url)(join(PACKAGE_ROOT, 'package.json')) as {
    version: string
  }
  const components = [
    ...packages.map(({ name, version, licence }) => ofNpm(name, version, licence)),
    ...nativeComponents(arch, new Set(packages.map(({ name }) => name))),
    ...(model === undefined ? [] : [ofModel(model)]),
  ]
  const root: Component = {
    ...ofNpm('boxlet', version, 'Apache-2.0'),
    type: 'application',
    hashes: [sha256(createHash('sha256').update(zip).digest('hex'))],
  }
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component: root },
    components,
    dependencies: [{ ref: root['bom-ref'], dependsOn: components.map((one) => one['bom-ref']) }],
  }
}

function ofNpm(name: string, version: string, licence: string): Component {
  // Source: Package URL specification, type npm: the scope's sign is encoded.
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  return { type: 'library', 'bom-ref': purl, name, version, purl, licenses: [{ expression: licence }] }
}

function nativeComponents(arch: Architecture, known: ReadonlySet<string>): Component[] {
  const names = new Map(NATIVE_PARTS[arch].map((part) => [part.package, part.version]))
  return [...names]
    .filter(([name]) => !known.has(name))
    .map(([name, version]) =>
      ofNpm(name, version, NATIVE_LICENCES.find(([start]) => name.startsWith(start))?.[1] ?? 'NOASSERTION'),
    )
}

function ofModel({ info: { name, sha256: hash, licence } }: ModelManifest): Component {
  return {
    type: 'machine-learning-model',
    'bom-ref': `model:${name}`,
    name,
    version: hash.slice(0, 12),
    hashes: [sha256(hash)],
    ...defined({ licenses: licence === null ? undefined : [{ license: { name: licence } }] }),
  }
}

const sha256 = (content: string) => ({ alg: 'SHA-256', content }) as const
