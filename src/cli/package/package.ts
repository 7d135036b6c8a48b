import { writePackage } from '../../aws/package/build-package.ts'
import { formatSizeReport } from '../../aws/package/size-report.ts'
import { optionsAlone } from '../deploy/stack-name.ts'
import { readSettings } from '../kit/config.ts'
import { DEFAULT_MODEL } from '../kit/model-options.ts'
import type { ExitCode, Io, Verb } from '../kit/verb.ts'
import { PACKAGE_HELP, PACKAGE_OPTIONS, packageFor } from './options.ts'

const OPTIONS = {
  ...PACKAGE_OPTIONS,
  out: { type: 'string', own: true, short: 'o' },
  format: { type: 'string', own: true, choices: ['text', 'json'] },
} as const

export const verb: Verb = {
  name: 'package',
  summary: 'Build the zip for AWS Lambda.',
  help: `boxlet package [options]

Writes boxlet-ARCH.zip, and beside it the model where it does not fit inside. The same inputs give the same
bytes. No Docker and no machine of the target's kind is needed.

${PACKAGE_HELP}

Output
  --out DIR, -o DIR     folder for the files (default .)
  --format F            text | json (default text)

Examples
  boxlet package --model yolov8n --accept-licence AGPL-3.0 --out build
  boxlet package --model fridge.onnx --labels class_map.json --arch x86_64
  boxlet package --model none
`,
  run,
}

async function run(args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = await readSettings('package', args, OPTIONS, io.env)
  optionsAlone('package', positionals, 'Name the model with --model.')
  const built = await packageFor(values, values.model ?? DEFAULT_MODEL, io)
  const files = await writePackage(built, values.out ?? '.')
  if (values.format === 'json') {
    const { arch, sha256, report, model } = built
    io.stdout.write(
      `${JSON.stringify({ arch, sha256, files, report, model: model && { place: model.place, name: model.manifest.info.name, bytes: model.manifest.bytes, sha256: model.manifest.sha256 } }, null, 2)}\n`,
    )
  } else {
    io.stdout.write(`${files.join('\n')}\n`)
    io.stderr.write(formatSizeReport(built.report))
  }
  return 0
}
