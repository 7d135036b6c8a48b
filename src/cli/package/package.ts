import { type Architecture, hostArchitecture } from '../../aws/package/architecture.ts'
import { writePackage } from '../../aws/package/build-package.ts'
import { formatSizeReport } from '../../aws/package/size-report.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import { DEFAULT_MODEL } from '../kit/model-options.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { PACKAGE_OPTIONS, packageFor } from './options.ts'

const OPTIONS = {
  ...PACKAGE_OPTIONS,
  out: {
    type: 'string',
    says: 'folder for the files',
    group: 'Output',
    value: 'DIR',
    short: 'o',
    own: true,
    default: '.',
    completes: 'folder',
  },
  format: FORMAT_OPTION,
} as const satisfies Options

export const verb = defineVerb({
  name: 'package',
  summary: 'Build the zip for AWS Lambda.',
  about: `Writes boxlet-ARCH.zip, and beside it the model where it does not fit inside. The same inputs give the
    same bytes. Neither Docker nor a machine of the target architecture is needed.`,
  hint: 'Name the model with --model.',
  options: OPTIONS,
  examples: [
    'boxlet package --model yolov8n --accept-licence AGPL-3.0 --out build',
    'boxlet package --model fridge.onnx --labels class_map.json --arch x86_64',
    'boxlet package --model none',
  ],
  alsoKnownAs: ['build', 'bundle', 'zip'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const built = await packageFor(values, values.model ?? DEFAULT_MODEL, io)
  const files = await writePackage(built, values.out)
  if (values.format === 'json') {
    const { arch, sha256, report, model } = built
    io.stdout.write(
      `${JSON.stringify({ arch, sha256, files, report, model: model && { place: model.place, name: model.manifest.info.name, bytes: model.manifest.bytes, sha256: model.manifest.sha256 } }, null, 2)}\n`,
    )
  } else {
    io.stdout.write(`${files.join('\n')}\n`)
    io.stderr.write(formatSizeReport(built.report))
    io.stderr.write(`boxlet: ${nextStep(built.arch, files[0]!)}\n`)
  }
  return 0
}

/** A package runs where its libraries do. */
function nextStep(arch: Architecture, file: string): string {
  const host = hostArchitecture()
  return arch === host
    ? `to try it here: boxlet invoke --zip ${file} --image PICTURE`
    : `it is for ${arch}; to try one on this machine, build another with --arch ${host ?? process.arch}`
}
