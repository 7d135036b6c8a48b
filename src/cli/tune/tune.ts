import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openSession } from '../../aws/deploy/session.ts'
import { describeStack, outputsOf } from '../../aws/deploy/stack.ts'
import { type Architecture, hostArchitecture } from '../../aws/package/architecture.ts'
import { writePackage } from '../../aws/package/build-package.ts'
import { curveSvg } from '../../aws/tune/curve.ts'
import { measureDeployed } from '../../aws/tune/deployed.ts'
import { canMeasureLocally, measureLocally } from '../../aws/tune/local.ts'
import { type Measurement, priced, recommend } from '../../aws/tune/measurement.ts'
import { BoxletError } from '../../errors.ts'
import { STACK_NAME_OPTIONS, stackName, tellMissing } from '../deploy/stack-name.ts'
import { FORMAT_OPTION } from '../kit/format-option.ts'
import { DEFAULT_MODEL } from '../kit/model-options.ts'
import { inGroup, type Options, type Settings } from '../kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from '../kit/verb.ts'
import { PACKAGE_OPTIONS, packageFor } from '../package/options.ts'
import { table, writeCurve } from './output.ts'

const SIZES = [512, 1024, 1769, 3008]

const OPTIONS = {
  image: {
    type: 'string',
    says: 'picture to detect in',
    group: 'Measurement',
    value: 'FILE',
    short: 'i',
    own: true,
    completes: 'file',
  },
  zip: {
    type: 'string',
    says: 'package to measure',
    group: 'Measurement',
    value: 'FILE',
    otherwise: 'built from --model',
    completes: 'file',
  },
  ...inGroup('Measurement', STACK_NAME_OPTIONS),
  stack: {
    ...STACK_NAME_OPTIONS.stack,
    says: 'measure that deployed stack; only $LATEST changes, which serves nobody',
    group: 'Measurement',
    otherwise: 'this machine',
  },
  sizes: {
    type: 'string',
    says: 'memory sizes in MB',
    group: 'Measurement',
    value: 'A,B',
    default: SIZES.join(','),
  },
  calls: {
    type: 'number',
    says: 'warm calls for each start',
    group: 'Measurement',
    integer: true,
    min: 2,
    max: 1000,
    default: 10,
  },
  starts: {
    type: 'number',
    says: 'cold starts for each size',
    group: 'Measurement',
    integer: true,
    min: 1,
    max: 50,
    default: 3,
  },
  ...PACKAGE_OPTIONS,
  out: {
    type: 'string',
    says: 'file for the curve, .svg or .png',
    group: 'Output',
    value: 'FILE',
    short: 'o',
    own: true,
    default: 'boxlet-tune.svg',
    completes: 'file',
  },
  format: FORMAT_OPTION,
} as const satisfies Options

export const verb = defineVerb({
  name: 'tune',
  summary: 'Measure memory sizes and recommend one.',
  about: `Measures on this machine, with the process held to the processor share of each size (Linux, root), or a
    deployed stack with --stack. Recommends the fastest of the sizes that cost at most 10 % more than the
    cheapest.`,
  hint: 'Name the picture with --image and the model with --model.',
  options: OPTIONS,
  examples: [
    'boxlet tune --image photo.jpg --model yolov8n --accept-licence AGPL-3.0',
    'boxlet tune --image photo.jpg --stack boxlet --sizes 1024,1769,3008',
  ],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  if (values.image === undefined) {
    throw new BoxletError('USAGE', 'Expected a picture for --image but received none.')
  }
  const bytes = await readFile(values.image).catch((cause: unknown) => {
    throw new BoxletError(
      'IMAGE_NOT_FOUND',
      `Expected a picture at "${values.image}" but could not read it.`,
      { cause },
    )
  })
  const { out } = values
  if (!/\.(svg|png)$/i.test(out)) {
    throw new BoxletError(
      'USAGE',
      `Expected a name that ends in .svg or .png for --out but received "${out}".`,
    )
  }
  const event = { image: bytes.toString('base64') }
  const sizes = parseSizes(values.sizes)
  const measured =
    values.stack === undefined
      ? await local(values, event, sizes, io)
      : await deployed(values, event, sizes, io)
  if (measured === undefined) {
    return 3
  }
  const { arch, points, title } = measured
  const rows = points.map((point) => priced(point, arch))
  const best = recommend(rows)
  await writeCurve(out, curveSvg(rows, best, title))
  io.stdout.write(
    values.format === 'json'
      ? `${JSON.stringify({ arch, points: rows, recommended: best?.memoryMb ?? null, curve: out }, null, 2)}\n`
      : table(rows, best, arch),
  )
  io.stderr.write(`boxlet: The curve is in ${out}.\n`)
  return 0
}

type Measured = { arch: Architecture; points: Measurement[]; title: string } | undefined

async function local(
  values: Settings<typeof OPTIONS>,
  event: unknown,
  sizes: readonly number[],
  io: Io,
): Promise<Measured> {
  if (!canMeasureLocally()) {
    io.stderr.write(
      'boxlet: Skipped: this machine does not let a process be held to a share of the processor. That takes Linux, root and control groups; or measure a deployed stack with --stack.\n',
    )
    return undefined
  }
  const arch = hostArchitecture()
  if (arch === undefined) {
    throw new BoxletError('USAGE', `Expected arm64 or x64 for this machine but it is ${process.arch}.`)
  }
  const folder = await mkdtemp(join(tmpdir(), 'boxlet-tune-'))
  try {
    const model = values.model ?? DEFAULT_MODEL
    const [zip, layer] =
      values.zip === undefined
        ? await writePackage(await packageFor({ ...values, arch }, model, io), folder)
        : [values.zip]
    const points: Measurement[] = []
    for (const memoryMb of sizes) {
      io.stderr.write(`boxlet: Measuring ${memoryMb} MB.\n`)
      const point = await measureLocally({
        zip: zip!,
        layers: layer?.endsWith('-layer.zip') ? [layer] : [],
        event,
        memoryMb,
        calls: values.calls,
        starts: values.starts,
        signal: io.signal,
      })
      if (point === undefined) {
        io.stderr.write(`boxlet: ${memoryMb} MB is too little for this model and picture; left out.\n`)
      } else {
        points.push(point)
      }
    }
    if (points.length === 0) {
      throw new BoxletError(
        'MODEL_RUN_FAILED',
        `Expected a size with memory enough but received ${sizes.join(', ')} MB.`,
        { hint: 'Measure larger sizes with --sizes.' },
      )
    }
    return { arch, points, title: `${values.zip === undefined ? model : 'package'} on this machine, ${arch}` }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function deployed(
  values: Settings<typeof OPTIONS>,
  event: unknown,
  sizes: readonly number[],
  io: Io,
): Promise<Measured> {
  const name = stackName(values.stack)
  const session = await openSession(values.region, io.signal)
  const stack = await describeStack(session, name, io.signal)
  if (stack === undefined) {
    await tellMissing(io, session, name)
    return undefined
  }
  const points = await measureDeployed(session, {
    functionName: outputsOf(stack).FunctionName ?? name,
    event,
    memorySizes: sizes,
    calls: values.calls,
    signal: io.signal,
    onStep: (text) => io.stderr.write(`boxlet: ${text}\n`),
  })
  const arch = stack.Parameters?.find(({ ParameterKey }) => ParameterKey === 'Architecture')?.ParameterValue
  return { arch: arch === 'x86_64' ? 'x86_64' : 'arm64', points, title: `${name} in ${session.region}` }
}

function parseSizes(text: string): number[] {
  const sizes = text.split(',').map(Number)
  if (sizes.some((size) => !Number.isInteger(size) || size < 128 || size > 10_240)) {
    throw new BoxletError(
      'USAGE',
      `Expected whole numbers from 128 to 10240 for --sizes but received "${text}".`,
    )
  }
  return [...new Set(sizes)].sort((a, b) => a - b)
}
