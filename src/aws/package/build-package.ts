/** One deployable package: handler, native libraries of the target, and the model where it fits. */
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { BoxletError } from '../../errors.ts'
import { makeFolder } from '../../system/make-folder.ts'
import type { ModelManifest } from '../function/packaged-model.ts'
import type { Architecture } from './architecture.ts'
import { bundleHandler } from './bundle.ts'
import { licenceFiles } from './licences.ts'
import { type ModelPartOptions, packageModel } from './model-part.ts'
import { nativeFiles } from './native-source.ts'
import type { NpmPackage } from './npm-packages.ts'
import { sbom } from './sbom.ts'
import {
  checkUnpacked,
  MAX_DIRECT_ZIP_BYTES,
  MAX_UNPACKED_BYTES,
  type SizeReport,
  sizeReport,
} from './size-report.ts'
import { joinZips, type PackageFile, reproducibleZip } from './zip.ts'

/** Where the model lies: in the zip, in a layer beside it, or in S3. */
export type ModelPlace = 'zip' | 'layer' | 's3'

export interface PackageOptions extends ModelPartOptions {
  arch: Architecture
  /** Name in the catalogue, path, or `none`. */
  model: string
  /** Default: the first of zip, layer and s3 that the limits permit. */
  modelIn?: ModelPlace | undefined
  onNotice?: (line: string) => void
}

export interface PackageResult {
  arch: Architecture
  zip: Uint8Array
  /** Lower-case hex of the zip; the same inputs give the same one. */
  sha256: string
  /** CycloneDX, of the zip and its model. */
  sbom: object
  report: SizeReport
  model: { place: ModelPlace; manifest: ModelManifest; files: PackageFile[]; layer?: Uint8Array } | undefined
}

export async function buildPackage(options: PackageOptions): Promise<PackageResult> {
  const { arch } = options
  // The model first: its licence may be refused, which must cost no download.
  const model = options.model === 'none' ? undefined : await packageModel(options.model, options)
  const native = await nativeFiles(arch, options)
  const bundle = await bundleHandler(arch)
  options.signal.throwIfAborted()
  const code = [...bundle.files, ...native, ...(await licenceFiles(bundle.packages, arch))]
  const { packages } = bundle
  const alone = await reproducibleZip(code)
  if (model === undefined) {
    return finish(arch, alone, code, packages, undefined)
  }

  const { manifest, files, mapped } = model
  const modelBytes = sizeOf(mapped)
  const codeBytes = sizeOf(code)
  const whole = [...code, ...mapped]
  const fitsUnpacked = codeBytes + modelBytes <= MAX_UNPACKED_BYTES
  const { modelIn } = options
  if (modelIn === 's3' || (modelIn === undefined && !fitsUnpacked)) {
    return finish(arch, alone, code, packages, { place: 's3', manifest, files })
  }
  if (!fitsUnpacked) {
    checkUnpacked(sizeReport(alone.length, whole))
  }
  const layer = await reproducibleZip(mapped)
  const place = modelIn ?? placeOf(alone.length, layer.length)
  if (place === 'zip') {
    return finish(arch, joinZips(alone, layer), whole, packages, { place, manifest, files: mapped })
  }
  return place === 'layer'
    ? finish(arch, alone, code, packages, { place, manifest, files: mapped, layer })
    : finish(arch, alone, code, packages, { place, manifest, files })
}

/** The zip as long as it can be uploaded directly; then a layer, which counts unpacked only; then S3. */
function placeOf(zipBytes: number, layerBytes: number): ModelPlace {
  if (zipBytes + layerBytes <= MAX_DIRECT_ZIP_BYTES) {
    return 'zip'
  }
  return layerBytes <= MAX_DIRECT_ZIP_BYTES ? 'layer' : 's3'
}

function finish(
  arch: Architecture,
  zip: Uint8Array,
  files: PackageFile[],
  packages: readonly NpmPackage[],
  model: PackageResult['model'],
): PackageResult {
  const report = sizeReport(zip.length, files)
  if (model?.place === 'layer') {
    report.advice.push(`The model is in a layer of ${model.layer?.length} bytes.`)
  }
  checkUnpacked(report)
  return {
    arch,
    zip,
    sha256: createHash('sha256').update(zip).digest('hex'),
    sbom: sbom(arch, zip, packages, model?.manifest),
    report,
    model,
  }
}

const sizeOf = (files: readonly PackageFile[]): number =>
  files.reduce((sum, { bytes }) => sum + bytes.length, 0)

/** Writes `boxlet-ARCH.zip` and its bill of materials, and beside them the layer or the files for S3 where the model is outside. */
export async function writePackage(result: PackageResult, folder: string): Promise<string[]> {
  const written: string[] = []
  const write = async (name: string, bytes: Uint8Array): Promise<void> => {
    const path = join(folder, name)
    try {
      await makeFolder(dirname(path))
      await writeFile(path, bytes)
    } catch (cause) {
      throw new BoxletError('OUTPUT_UNWRITABLE', `Expected to write ${path} but could not.`, { cause })
    }
    written.push(path)
  }
  await write(`boxlet-${result.arch}.zip`, result.zip)
  if (result.model?.layer !== undefined) {
    await write('boxlet-model-layer.zip', result.model.layer)
  }
  if (result.model?.place === 's3') {
    for (const file of result.model.files) {
      await write(file.name, file.bytes)
    }
  }
  await write(`boxlet-${result.arch}.cdx.json`, Buffer.from(`${JSON.stringify(result.sbom, null, 2)}\n`))
  return written
}
