import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { unzipSync } from 'fflate'
import type { InvokeMetrics } from '../aws/emulator/invoke-result.ts'
import { LambdaHost } from '../aws/emulator/lambda-host.ts'
import { ownCredentials } from '../aws/emulator/own-credentials.ts'
import { MAX_PAYLOAD_BYTES } from '../aws/emulator/runtime-api.ts'
import {
  ARCHITECTURES,
  hostArchitecture,
  nodeArch,
  packagedArchitecture,
} from '../aws/package/architecture.ts'
import { MEMORY_VARIABLES } from '../aws/template/memory-variables.ts'
import { DEFAULT_MEMORY_MB } from '../aws/template/parameters.ts'
import { BoxletError, throwIfAborted } from '../errors.ts'
import { readBounded } from '../system/bytes.ts'
import { defined } from '../system/defined.ts'
import { oneLine } from '../system/printable.ts'
import { MEMORY_OPTION } from './deploy/settings.ts'
import type { Options, Settings } from './kit/option-spec.ts'
import { type Call, defineVerb, type ExitCode, type Io } from './kit/verb.ts'

const OPTIONS = {
  event: {
    type: 'string',
    says: 'JSON of the event; - reads standard input',
    group: 'What to send',
    value: 'FILE',
    short: 'e',
    completes: 'file',
  },
  image: {
    type: 'string',
    says: 'picture to send as {"image": base64} instead',
    group: 'What to send',
    value: 'FILE',
    short: 'i',
    own: true,
    completes: 'file',
  },
  times: {
    type: 'number',
    says: 'number of calls, the first of them cold',
    group: 'What to send',
    integer: true,
    min: 1,
    max: 1000,
    default: 1,
  },
  zip: {
    type: 'string',
    says: 'package to run',
    group: 'Function',
    value: 'FILE',
    otherwise: 'boxlet-ARCH.zip for this machine',
    completes: 'file',
  },
  layer: {
    type: 'string',
    says: 'zip of a layer',
    group: 'Function',
    value: 'FILE',
    multiple: true,
    completes: 'file',
  },
  handler: {
    type: 'string',
    says: 'file.export of the handler; index.streaming streams',
    group: 'Function',
    value: 'H',
    otherwise: 'index.handler',
  },
  memory: { ...MEMORY_OPTION, default: DEFAULT_MEMORY_MB, group: 'Function' },
  timeout: {
    type: 'number',
    says: 'time limit of one call in seconds',
    group: 'Function',
    value: 'S',
    own: true,
    min: 0.1,
    max: 900,
    default: 30,
  },
  env: {
    type: 'string',
    says: 'variable of the function. BOXLET_AUTH is iam as in a stack, so an HTTP event has to name a principal, or --env BOXLET_AUTH=keys',
    group: 'Function',
    value: 'NAME=VALUE',
    multiple: true,
  },
  node: {
    type: 'string',
    says: 'Node that runs the function',
    group: 'Machine',
    value: 'PATH',
    otherwise: 'this one',
    completes: 'file',
  },
  'runtime-client': {
    type: 'string',
    says: "folder of AWS's aws-lambda-ric, in place of the small runtime inside Boxlet",
    group: 'Machine',
    value: 'DIR',
    completes: 'folder',
  },
  quota: {
    type: 'boolean',
    says: 'limit the process to the share of a processor that its memory buys (Linux, root)',
    group: 'Machine',
  },
  'real-aws': {
    type: 'boolean',
    says: 'pass your AWS credentials and region on, for events that name S3 objects',
    group: 'Machine',
  },
  out: {
    type: 'string',
    says: 'write the answer to a file',
    group: 'Output',
    value: 'FILE',
    short: 'o',
    own: true,
    completes: 'file',
  },
  logs: { type: 'boolean', says: 'show what the function logs', group: 'Output' },
} as const satisfies Options

export const verb = defineVerb({
  name: 'invoke',
  summary: 'Run a built package on this machine as Lambda would.',
  about: `Unpacks the zip read-only, starts it in a process of its own with Lambda's environment under a Lambda
    Runtime API host, and sends it an event, from --event or --image. The answer goes to standard output, a report as
    Lambda writes it to standard error.`,
  hint: 'Name the picture with --image and the package with --zip.',
  options: OPTIONS,
  exits: '0 answered, 1 the function failed, 2 wrong usage, 3 it could not be run.',
  examples: [
    'boxlet invoke --image photo.jpg',
    'boxlet invoke --event event.json --memory 512 --quota --times 3',
  ],
  alsoKnownAs: ['local-invoke', 'emulate'],
  run,
})

async function run({ values }: Call<typeof OPTIONS>, io: Io): Promise<ExitCode> {
  const event = await readEvent(values, io)
  const zip = values.zip ?? packageHere(values.node)
  await checkMachine(zip, values.node)
  const host = await LambdaHost.open({
    zip,
    layers: values.layer ?? [],
    memoryMb: values.memory,
    timeoutMs: values.timeout * 1000,
    environment: { ...MEMORY_VARIABLES, BOXLET_AUTH: 'iam', ...variables(values.env ?? []) },
    credentials: values['real-aws'] ? await ownCredentials(io.env) : {},
    quota: values.quota ?? false,
    ...defined({ handler: values.handler, node: values.node, runtimeClient: values['runtime-client'] }),
    ...(values.logs ? { onLog: (line: string) => io.stderr.write(`${line}\n`) } : {}),
  })
  try {
    let failed = false
    for (let call = 0; call < values.times; call++) {
      throwIfAborted(io.signal)
      const result = await host.invoke(event)
      if (result.functionError !== undefined) {
        failed = true
        // The payload may go to a file, and a report alone does not say what is wrong.
        io.stderr.write(`boxlet: The function failed: ${oneLine(firstLine(result.payload))}\n`)
      }
      if (values.out !== undefined) {
        await writeFile(values.out, result.payload)
      } else {
        io.stdout.write(result.payload)
        io.stdout.write('\n')
      }
      io.stderr.write(report(result.requestId, result.metrics, host.config.memoryMb))
    }
    return failed ? 1 : 0
  } finally {
    await host.close()
  }
}

/**
 * The package that "boxlet package" wrote into the working folder.
 *
 * @throws BoxletError USAGE where there is one for another processor alone
 */
function packageHere(node: string | undefined): string {
  const host = hostArchitecture() ?? 'x86_64'
  const own = `boxlet-${host}.zip`
  const other = ARCHITECTURES.map((arch) => `boxlet-${arch}.zip`).find(
    (name) => name !== own && existsSync(name),
  )
  if (existsSync(own) || other === undefined) {
    return own
  }
  // A Node of the other processor may be given, which an emulator runs.
  if (node !== undefined) {
    return other
  }
  throw new BoxletError('USAGE', `Expected a package for ${host} but there is only ${other}.`, {
    hint: `This machine cannot run it. Build one that it can with "boxlet package --arch ${host}" and the other options as before.`,
  })
}

/** @throws BoxletError USAGE for a package of another processor, whose libraries the Node cannot load */
async function checkMachine(zip: string, node: string | undefined): Promise<void> {
  const names: string[] = []
  const bytes = await readFile(zip).catch(() => undefined)
  // What cannot be read or is no zip is reported by the host.
  if (bytes === undefined) {
    return
  }
  try {
    unzipSync(bytes, { filter: ({ name }) => names.push(name) < 0 })
  } catch {
    return
  }
  const arch = packagedArchitecture(names)
  const own = node === undefined ? process.arch : await architectureOf(node)
  if (arch !== undefined && nodeArch(arch) !== own) {
    throw new BoxletError(
      'USAGE',
      `Expected a package for ${hostArchitecture() ?? process.arch} but received one for ${arch}.`,
      {
        hint: 'Build one for this machine with "boxlet package --arch", and deploy the other, or name a Node of that architecture with --node.',
      },
    )
  }
}

/** A Node that cannot be run is reported by the host, in its own words. */
async function architectureOf(node: string): Promise<string> {
  return promisify(execFile)(node, ['-p', 'process.arch']).then(
    ({ stdout }) => stdout.trim(),
    () => process.arch,
  )
}

async function readEvent(values: Settings<typeof OPTIONS>, io: Io): Promise<unknown> {
  if ((values.event === undefined) === (values.image === undefined)) {
    throw new BoxletError('USAGE', 'Expected either --event or --image but received both or neither.')
  }
  if (values.image !== undefined) {
    const bytes = await read(values.image)
    return { image: bytes.toString('base64') }
  }
  const bytes =
    values.event === '-' ? await readBounded(io.stdin, MAX_PAYLOAD_BYTES, tooLong) : await read(values.event!)
  const text = new TextDecoder().decode(bytes)
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new BoxletError('USAGE', 'Expected JSON for the event but received other text.', { cause })
  }
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new BoxletError('USAGE', `Expected a readable file but "${path}" cannot be read.`, { cause })
  }
}

const tooLong = () =>
  new BoxletError('USAGE', `Expected at most ${MAX_PAYLOAD_BYTES} bytes for the event but received more.`)

/** What Lambda calls the type and the message of an error, without its stack. */
function firstLine(payload: Uint8Array): string {
  try {
    const { errorType, errorMessage } = JSON.parse(Buffer.from(payload).toString('utf8')) as Record<
      string,
      string
    >
    return [errorType, errorMessage?.split('\n')[0]].filter(Boolean).join(': ')
  } catch {
    return 'its answer is no JSON.'
  }
}

function variables(pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf('=')
      if (at < 1) {
        throw new BoxletError('USAGE', `Expected NAME=VALUE for --env but received "${pair}".`)
      }
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )
}

function report(id: string, metrics: InvokeMetrics, memoryMb: number): string {
  const { durationMs, initMs, maxMemoryBytes, cpuMs, tmpBytes } = metrics
  const parts = [
    `REPORT RequestId: ${id}`,
    `Duration: ${durationMs.toFixed(2)} ms`,
    // Starts are billed since August 2025.
    `Billed Duration: ${Math.ceil(durationMs + (initMs ?? 0))} ms`,
    `Memory Size: ${memoryMb} MB`,
    maxMemoryBytes === undefined ? undefined : `Max Memory Used: ${Math.ceil(maxMemoryBytes / 2 ** 20)} MB`,
    initMs === undefined ? undefined : `Init Duration: ${initMs.toFixed(2)} ms`,
    cpuMs === undefined ? undefined : `Processor: ${Math.round(cpuMs)} ms`,
    `/tmp: ${(tmpBytes / 2 ** 20).toFixed(1)} MB`,
  ]
  return `${parts.filter((part) => part !== undefined).join('\t')}\n`
}
