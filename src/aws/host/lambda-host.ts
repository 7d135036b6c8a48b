/**
 * Runs a function's zip as Lambda does: unpacked read-only, in child processes with Lambda's environment, fed
 * through the Runtime API, frozen between calls, ended on timeout, and started anew when calls overlap.
 */
import { execFile, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { chmodSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { BoxletError } from '../../errors.ts'
import { INIT_TIMEOUT_MS, LambdaEnvironment } from './environment.ts'
import { checkFunctionConfig, type FunctionConfig } from './function-config.ts'
import { MAX_PAYLOAD_BYTES, type RuntimeError } from './runtime-api.ts'
import { createSandbox, type Sandbox } from './sandbox.ts'

/** Enough for any local run; more would only fill the memory of the machine. */
const MAX_ENVIRONMENTS = 16

export interface LambdaHostOptions {
  zip: string
  layers?: readonly string[]
  handler?: string
  name?: string
  memoryMb?: number
  timeoutMs?: number
  environment?: Readonly<Record<string, string>>
  region?: string
  /** Program that runs the function. Default: the Node that runs this. */
  node?: string
  /** Folder of AWS's aws-lambda-ric, in place of the small runtime here. */
  runtimeClient?: string
  /** Passed on as they are, e.g. AWS_ACCESS_KEY_ID or AWS_ENDPOINT_URL. Default: placeholders. */
  credentials?: Record<string, string>
  quota?: boolean
  onLog?: (line: string) => void
}

export interface InvokeResult {
  requestId: string
  /** As Lambda's X-Amz-Function-Error; undefined on success. */
  functionError: 'Unhandled' | undefined
  payload: Uint8Array
  contentType: string
  streamed: boolean
  /** What the function printed during this call. */
  logs: string[]
  metrics: InvokeMetrics
}

/** Milliseconds and bytes; undefined where the system does not tell. */
export interface InvokeMetrics {
  durationMs: number
  /** Only when this call had to start an environment. */
  initMs: number | undefined
  /** Time to the first byte of a streamed answer. */
  firstByteMs: number | undefined
  cpuMs: number | undefined
  maxMemoryBytes: number | undefined
  tmpBytes: number
  throttledMs: number | undefined
}

export class LambdaHost {
  readonly config: FunctionConfig
  readonly #options: LambdaHostOptions
  readonly #sandbox: Sandbox
  readonly #runtime: { command: string; args: string[] }
  readonly #environments = new Set<LambdaEnvironment>()
  readonly #idle: LambdaEnvironment[] = []

  private constructor(
    options: LambdaHostOptions,
    config: FunctionConfig,
    sandbox: Sandbox,
    runtime: { command: string; args: string[] },
  ) {
    this.#options = options
    this.config = config
    this.#sandbox = sandbox
    this.#runtime = runtime
  }

  static async open(options: LambdaHostOptions): Promise<LambdaHost> {
    const node = options.node ?? process.execPath
    const config: FunctionConfig = {
      name: options.name ?? 'boxlet',
      handler: options.handler ?? 'index.handler',
      memoryMb: options.memoryMb ?? 1769,
      timeoutMs: options.timeoutMs ?? 30_000,
      environment: options.environment ?? {},
      region: options.region ?? 'us-east-1',
      nodeMajor: await nodeMajor(node),
    }
    checkFunctionConfig(config)
    const { zip, layers = [] } = options
    const sandbox = await createSandbox({ zip, layers })
    if (sandbox.user !== undefined && !runsAs(node, sandbox.user)) sandbox.user = undefined
    const client =
      options.runtimeClient === undefined
        ? await buildBootstrap(sandbox)
        : join(resolve(options.runtimeClient), 'index.mjs')
    return new LambdaHost(options, config, sandbox, { command: node, args: [client] })
  }

  /** Throws only for a call that Lambda itself would refuse; failures of the function are in the result. */
  async invoke(
    event: unknown,
    options: { traceId?: string; onChunk?: (chunk: Uint8Array) => void } = {},
  ): Promise<InvokeResult> {
    const payload = Buffer.from(JSON.stringify(event) ?? 'null')
    if (payload.length > MAX_PAYLOAD_BYTES)
      throw new BoxletError(
        'REQUEST_TOO_LARGE',
        `Expected at most ${MAX_PAYLOAD_BYTES} bytes for the event but received ${payload.length}.`,
        { hint: 'Put the picture into S3 and send its bucket and key.' },
      )
    const requestId = randomUUID()
    const reused = this.#idle.pop()
    const environment = reused ?? (await this.#start())
    if (environment.initError !== undefined) {
      const result = this.#result(
        requestId,
        environment,
        { kind: 'error', error: environment.initError },
        0,
        true,
      )
      await this.#discard(environment)
      return result
    }
    const before = environment.stats()?.cpuMs ?? 0
    const throttledBefore = environment.throttled()?.ms ?? 0
    const started = performance.now()
    let firstByteMs: number | undefined
    const outcome = await environment.invoke({
      requestId,
      payload,
      arn: `arn:aws:lambda:${this.config.region}:000000000000:function:${this.config.name}`,
      ...(options.traceId === undefined ? {} : { traceId: options.traceId }),
      onChunk: (chunk) => {
        firstByteMs ??= performance.now() - started
        options.onChunk?.(chunk)
      },
    })
    const durationMs = performance.now() - started
    const result = this.#result(requestId, environment, outcome, durationMs, reused === undefined)
    result.metrics.firstByteMs = result.streamed ? firstByteMs : undefined
    if (reused !== undefined && result.metrics.cpuMs !== undefined) result.metrics.cpuMs -= before
    if (reused !== undefined && result.metrics.throttledMs !== undefined)
      result.metrics.throttledMs -= throttledBefore
    if (environment.usable) this.#idle.push(environment)
    else await this.#discard(environment)
    return result
  }

  /** Environments that are alive, busy or frozen. */
  get environments(): number {
    return this.#environments.size
  }

  async close(): Promise<void> {
    await Promise.all([...this.#environments].map((environment) => this.#discard(environment)))
    await this.#sandbox.remove()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async #start(): Promise<LambdaEnvironment> {
    if (this.#environments.size >= MAX_ENVIRONMENTS)
      throw new BoxletError(
        'OVERLOADED',
        `Expected at most ${MAX_ENVIRONMENTS} calls at once but received one more.`,
      )
    const { credentials = {}, quota = false } = this.#options
    const options = {
      config: this.config,
      sandbox: this.#sandbox,
      runtime: this.#runtime,
      runtimeModules: sdkFolder(),
      credentials,
      quota,
      onLog: this.#options.onLog,
    }
    const first = await LambdaEnvironment.start(options, INIT_TIMEOUT_MS)
    this.#environments.add(first)
    if (first.initError?.errorType !== 'Sandbox.Timedout') return first
    // Lambda runs a start that took too long once more, this time under the function's own timeout.
    await this.#discard(first)
    const second = await LambdaEnvironment.start(options, this.config.timeoutMs)
    this.#environments.add(second)
    return second
  }

  #result(
    requestId: string,
    environment: LambdaEnvironment,
    outcome: Awaited<ReturnType<LambdaEnvironment['invoke']>>,
    durationMs: number,
    cold: boolean,
  ): InvokeResult {
    const stats = environment.stats()
    const failure: RuntimeError | undefined = outcome.error
    const answer =
      outcome.kind === 'response'
        ? { payload: outcome.payload, contentType: outcome.contentType, streamed: outcome.streamed }
        : {
            payload: Buffer.from(JSON.stringify(outcome.error)),
            contentType: 'application/json',
            streamed: false,
          }
    return {
      requestId,
      functionError: failure === undefined ? undefined : 'Unhandled',
      ...answer,
      logs: environment.takeLogs(),
      metrics: {
        durationMs,
        initMs: cold ? environment.initMs : undefined,
        firstByteMs: undefined,
        cpuMs: stats?.cpuMs,
        maxMemoryBytes: stats?.peakRss,
        tmpBytes: environment.tmpBytes(),
        throttledMs: environment.throttled()?.ms,
      },
    }
  }

  async #discard(environment: LambdaEnvironment): Promise<void> {
    this.#environments.delete(environment)
    const at = this.#idle.indexOf(environment)
    if (at >= 0) this.#idle.splice(at, 1)
    await environment.stop()
  }
}

async function nodeMajor(node: string): Promise<number> {
  if (node === process.execPath) return Number.parseInt(process.versions.node, 10)
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
function runsAs(node: string, user: number): boolean {
  return spawnSync(node, ['-e', ''], { uid: user, gid: user, cwd: '/' }).status === 0
}

/** Written into the sandbox, so that its user can read it and no TypeScript reaches the child. */
async function buildBootstrap(sandbox: Sandbox): Promise<string> {
  const source = fileURLToPath(import.meta.url).replace(/lambda-host\.(ts|js)$/, 'bootstrap.$1')
  const outfile = join(sandbox.root, 'bootstrap.mjs')
  await build({
    entryPoints: [source],
    outfile,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'silent',
  })
  chmodSync(outfile, 0o444)
  return outfile
}

/** Where the AWS SDK lies here; the managed runtime brings its own. */
function sdkFolder(): string | undefined {
  try {
    const path = createRequire(import.meta.url).resolve('@aws-sdk/client-s3')
    return path.slice(0, path.lastIndexOf(`${sep}@aws-sdk${sep}`))
  } catch {
    return undefined
  }
}
