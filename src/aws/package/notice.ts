import type { Architecture } from './architecture.ts'
import { NATIVE_PARTS } from './native-parts.ts'
import type { PackageFile } from './zip.ts'

/** Names what the package redistributes and under which licence, as those licences ask for. */
export function noticeFile(packages: readonly string[], arch: Architecture): PackageFile {
  const native = new Set(NATIVE_PARTS[arch].map((part) => `${part.package}@${part.version}`))
  const text = [
    'This package was built by Boxlet (Apache-2.0) and holds:',
    '',
    ...packages,
    '',
    'Native libraries, unchanged, as published on npm:',
    '',
    ...native,
    '',
    'onnxruntime-node is under the MIT licence. sharp is under Apache-2.0; it loads libvips and its',
    'dependencies (LGPL-3.0-or-later and others) as a shared library that you may replace. Their licences and',
    'sources are listed in the README of the npm package @img/sharp-libvips-linux-*.',
    '',
  ].join('\n')
  return { name: 'NOTICE.txt', bytes: Buffer.from(text) }
}
