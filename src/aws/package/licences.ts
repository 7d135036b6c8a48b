/** What the licences of the parts of a package ask for: their texts and copyright lines, beside the code. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Architecture } from './architecture.ts'
import { NATIVE_PARTS } from './native-parts.ts'
import type { NpmPackage } from './npm-packages.ts'
import { PACKAGE_ROOT } from './package-root.ts'
import type { PackageFile } from './zip.ts'

const FOLDER = 'licences'
/** Files that hold a licence, a notice, or who has the copyright. */
const LICENCE_FILE = /^(licen[cs]e|copying|notice|copyright)([.-].*)?$/i

/** `NOTICE.txt`, which says what is inside, and `licences/`, which has the texts. */
export async function licenceFiles(
  packages: readonly NpmPackage[],
  arch: Architecture,
): Promise<PackageFile[]> {
  const own = await textsOf(PACKAGE_ROOT)
  const ofNpm = await Promise.all(packages.map(sectionOf))
  return [
    { name: 'NOTICE.txt', bytes: Buffer.from(notice(packages, arch)) },
    { name: `${FOLDER}/boxlet.txt`, bytes: Buffer.from(own.join('\n')) },
    { name: `${FOLDER}/npm.txt`, bytes: Buffer.from(ofNpm.join('\n')) },
    ...(await ofLibraries()),
  ]
}

function notice(packages: readonly NpmPackage[], arch: Architecture): string {
  const native = new Set(NATIVE_PARTS[arch].map((part) => `${part.package}@${part.version}`))
  return [
    'This package was built by Boxlet (Apache-2.0) and holds:',
    '',
    ...packages.map(({ name, version, licence }) => `${name}@${version} ${licence}`),
    '',
    'Native libraries, unchanged, as published on npm:',
    '',
    ...native,
    '',
    'onnxruntime-node is under the MIT licence. sharp is under Apache-2.0; it loads libvips and its',
    'dependencies (LGPL-3.0-or-later and others) as a shared library that you may replace.',
    `The texts of all licences are in the folder ${FOLDER}.`,
    '',
  ].join('\n')
}

/** A package without a file of its own has named its licence in its manifest only. */
async function sectionOf({ name, version, licence, folder }: NpmPackage): Promise<string> {
  const texts = await textsOf(folder)
  const author = texts.length === 0 ? await authorOf(folder) : []
  return [`==== ${name}@${version} (${licence})`, '', ...author, ...texts, ''].join('\n')
}

async function authorOf(folder: string): Promise<string[]> {
  const { author } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    author?: string | { name?: string }
  }
  const name = typeof author === 'string' ? author : author?.name
  return name === undefined ? [] : [`Copyright (c) ${name}`]
}

async function textsOf(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => LICENCE_FILE.test(name)).sort()
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
}

/** Those of the native libraries, whose packages on npm have none of their own. */
async function ofLibraries(): Promise<PackageFile[]> {
  const names = (await readdir(join(PACKAGE_ROOT, FOLDER))).sort()
  return Promise.all(
    names.map(async (name) => ({
      name: `${FOLDER}/${name}`,
      bytes: await readFile(join(PACKAGE_ROOT, FOLDER, name)),
    })),
  )
}
