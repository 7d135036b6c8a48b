/**
 * Runs a function's zip as Lambda does: unpacked read-only, in child processes with Lambda's environment, fed
 * through the Runtime API, frozen between calls, ended on timeout, and started again when calls overlap.
 */

import { randomUUID } from 'node:crypto'
import { join, resolve } from 'node:path'
import { BoxletError } from '../../errors.ts'
import { defined } from '../../system/defined.ts'
import { EnvironmentPool } from './environment-pool.ts'
import { checkFunctionConfig, type FunctionConfig } from './function-config.ts'
import { before, type InvokeResult, invokeResult } from './invoke-result.ts'
import { MAX_PAYLOAD_BYTES } from './runtime-api.ts'
import { buildBootstrap, nodeMajor, runsAs, sdkFolder } from './runtime-program.ts'
import { createSandbox, type Sandbox } from './sandbox.ts'

export type { InvokeResult } from './invoke-result.ts'

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

export class LambdaHost {
  readonly config: FunctionConfig
  readonly #sandbox: Sandbox
  readonly #pool: EnvironmentPool
  #closed: Promise<void> | undefined

  private constructor(config: FunctionConfig, sandbox: Sandbox, pool: EnvironmentPool) {
    this.config = config
    this.#sandbox = sandbox
    this.#pool = pool
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
    const { zip, layers = [], credentials = {}, quota = false, onLog } = options
    const sandbox = await createSandbox({ zip, layers })
    try {
      if (sandbox.user !== undefined && !runsAs(node, sandbox.user)) {
        sandbox.user = undefined
      }
      const client =
        options.runtimeClient === undefined
          ? await buildBootstrap(sandbox)
          : join(resolve(options.runtimeClient), 'index.mjs')
      const runtime = { command: node, args: [client] }
      const runtimeModules = sdkFolder()
      const shared = { config, sandbox, runtime, runtimeModules, credentials, quota, onLog }
      return new LambdaHost(config, sandbox, new EnvironmentPool(shared))
    } catch (error) {
      await sandbox.remove()
      throw error
    }
  }

  /** Throws only for a call that Lambda itself would refuse; failures of the function are in the result. */
  async invoke(
    event: unknown,
    options: { traceId?: string; onChunk?: (chunk: Uint8Array) => void } = {},
  ): Promise<InvokeResult> {
    const payload = Buffer.from(JSON.stringify(event) ?? 'null')
    if (payload.length > MAX_PAYLOAD_BYTES) {
      throw new BoxletError(
        'REQUEST_TOO_LARGE',
        `Expected at most ${MAX_PAYLOAD_BYTES} bytes for the event but received ${payload.length}.`,
        { hint: 'Put the picture into S3 and send its bucket and key.' },
      )
    }
    const requestId = randomUUID()
    const { environment, cold } = await this.#pool.take()
    try {
      const earlier = before(environment, cold)
      if (environment.initError !== undefined) {
        const outcome = { kind: 'error', error: environment.initError } as const
        return invokeResult(requestId, environment, outcome, earlier, {
          durationMs: 0,
          firstByteMs: undefined,
        })
      }
      const started = performance.now()
      let firstByteMs: number | undefined
      const outcome = await environment.invoke({
        requestId,
        payload,
        arn: `arn:aws:lambda:${this.config.region}:000000000000:function:${this.config.name}`,
        ...defined({ traceId: options.traceId }),
        onChunk: (chunk) => {
          firstByteMs ??= performance.now() - started
          options.onChunk?.(chunk)
        },
      })
      const durationMs = performance.now() - started
      return invokeResult(requestId, environment, outcome, earlier, { durationMs, firstByteMs })
    } finally {
      await this.#pool.giveBack(environment)
    }
  }

  /** Environments that are alive, busy or frozen. */
  get environments(): number {
    return this.#pool.size
  }

  close(): Promise<void> {
    this.#closed ??= this.#pool.close().then(() => this.#sandbox.remove())
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
