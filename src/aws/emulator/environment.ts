import { type ChildProcess, spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { defined } from '../../system/defined.ts'
import { watchChild } from './child-watch.ts'
import { type CpuQuota, createCpuQuota } from './cpu-quota.ts'
import { type FunctionConfig, lambdaEnvironment, MB_PER_VCPU } from './function-config.ts'
import { type ProcessStats, processStats } from './process-stats.ts'
import { type Outcome, RuntimeApi, type RuntimeError } from './runtime-api.ts'
import { createTmp, folderBytes, type Sandbox } from './sandbox.ts'

/** Lambda gives the start of an environment this long before it starts over inside the first call. */
export const INIT_TIMEOUT_MS = 10_000

export interface EnvironmentOptions {
  config: FunctionConfig
  sandbox: Sandbox
  /** Program and arguments of the runtime, without the handler. */
  runtime: { command: string; args: string[] }
  runtimeModules: string | undefined
  credentials: Record<string, string>
  /** Holds the process to the share of the processor that the memory size buys. */
  quota: boolean
  onLog?: ((line: string) => void) | undefined
}

export interface Call {
  requestId: string
  payload: Uint8Array
  arn: string
  traceId?: string
  onChunk?: (chunk: Uint8Array) => void
}

/** One child process that serves one event at a time, frozen in between, as an environment on Lambda. */
export class LambdaEnvironment {
  readonly #options: EnvironmentOptions
  readonly #api: RuntimeApi
  readonly #child: ChildProcess
  readonly #quota: CpuQuota | undefined
  readonly #tmp: string
  #ended: RuntimeError | undefined
  #onEnd: (error: RuntimeError) => void = () => {}
  #lastStats: ProcessStats | undefined
  #lines: string[] = []
  /** From the start of the process to its first request for work, in milliseconds. */
  initMs = 0
  /** Set when the environment can take no more work. */
  initError: RuntimeError | undefined

  private constructor(
    options: EnvironmentOptions,
    api: RuntimeApi,
    child: ChildProcess,
    quota: CpuQuota | undefined,
    tmp: string,
  ) {
    this.#options = options
    this.#api = api
    this.#child = child
    this.#quota = quota
    this.#tmp = tmp
  }

  /** @param signal ends the process while it starts; the environment is then not usable */
  static async start(
    options: EnvironmentOptions,
    initTimeoutMs: number,
    signal: AbortSignal,
  ): Promise<LambdaEnvironment> {
    const { config, sandbox, runtime, credentials } = options
    const api = await RuntimeApi.listen()
    let quota: CpuQuota | undefined
    let child: ChildProcess | undefined
    try {
      const tmp = await createTmp(sandbox)
      const folders = { task: sandbox.task, opt: sandbox.opt, tmp, runtimeModules: options.runtimeModules }
      signal.throwIfAborted()
      quota = options.quota ? createCpuQuota(config.memoryMb / MB_PER_VCPU) : undefined
      const initialised = api.initialised()
      const started = performance.now()
      child = spawn(runtime.command, [...runtime.args, config.handler], {
        cwd: sandbox.task,
        env: lambdaEnvironment(config, folders, api.address, credentials),
        stdio: ['ignore', 'pipe', 'pipe'],
        ...(sandbox.user === undefined ? {} : { uid: sandbox.user, gid: sandbox.user }),
      })
      // A program that cannot be run is reported by an event, which ends the host where nobody listens.
      child.on('error', () => {})
      if (child.pid !== undefined) {
        quota?.add(child.pid)
      }
      const environment = new LambdaEnvironment(options, api, child, quota, tmp)
      watchChild(child, config.memoryMb * 2 ** 20, {
        line: (line) => {
          environment.#lines.push(line)
          options.onLog?.(line)
        },
        end: (error) => {
          environment.#ended ??= error
          environment.#onEnd(environment.#ended)
        },
      })
      const kill = (): unknown => environment.#child.kill('SIGKILL')
      signal.addEventListener('abort', kill, { once: true })
      environment.initError = await Promise.race([
        initialised,
        environment.#end(),
        timeout(initTimeoutMs, {
          errorType: 'Sandbox.Timedout',
          errorMessage: `Init phase timed out after ${(initTimeoutMs / 1000).toFixed(2)} seconds`,
        }),
      ])
      signal.removeEventListener('abort', kill)
      environment.initMs = performance.now() - started
      environment.#freeze()
      return environment
    } catch (error) {
      child?.kill('SIGKILL')
      await api.close()
      quota?.remove()
      throw error
    }
  }

  get usable(): boolean {
    return this.initError === undefined && this.#ended === undefined
  }

  /** Never throws: what goes wrong in the function is an outcome. */
  async invoke(call: Call): Promise<Outcome> {
    const { timeoutMs } = this.#options.config
    this.#child.kill('SIGCONT')
    const invocation = {
      requestId: call.requestId,
      payload: call.payload,
      arn: call.arn,
      deadline: Date.now() + timeoutMs,
      ...defined({ traceId: call.traceId }),
    }
    const seconds = (timeoutMs / 1000).toFixed(2)
    const failed = (error: RuntimeError): Outcome => ({
      kind: 'error',
      error: { ...error, errorMessage: `RequestId: ${call.requestId} Error: ${error.errorMessage}` },
    })
    const stop = new AbortController()
    const outcome = await Promise.race([
      this.#api.invoke(invocation, call.onChunk),
      this.#end().then(failed),
      timeout(
        timeoutMs,
        { errorType: 'Sandbox.Timedout', errorMessage: `Task timed out after ${seconds} seconds` },
        stop.signal,
      ).then((error) => {
        this.#ended = error
        return failed(error)
      }),
    ])
    stop.abort()
    this.stats()
    // What the function printed lies in its pipe by now; two turns of the loop bring it over.
    for (let turn = 0; turn < 2; turn++) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    return outcome
  }

  /** Lines printed since the last call of this method. */
  takeLogs(): string[] {
    const lines = this.#lines
    this.#lines = []
    return lines
  }

  /** Memory and processor time so far; the last known values once the process has ended. */
  stats(): ProcessStats | undefined {
    const now = this.#child.pid === undefined ? undefined : processStats(this.#child.pid)
    // A control group counts threads that have ended too, to the nanosecond.
    if (now !== undefined) {
      this.#lastStats = { ...now, cpuMs: this.#quota?.cpuMs() ?? now.cpuMs }
    }
    return this.#lastStats
  }

  throttled(): { times: number; ms: number } | undefined {
    return this.#quota?.throttled()
  }

  tmpBytes(): number {
    return folderBytes(this.#tmp)
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined) {
      const gone = new Promise((resolve) => this.#child.once('exit', resolve))
      this.#child.kill('SIGKILL')
      await gone
    }
    await this.#api.close()
    this.#quota?.remove()
    await rm(this.#tmp, { recursive: true, force: true })
  }

  #end(): Promise<RuntimeError> {
    return new Promise((resolve) => {
      if (this.#ended === undefined) {
        this.#onEnd = resolve
      } else {
        resolve(this.#ended)
      }
    })
  }

  #freeze(): void {
    // A frozen process does not write, so what it printed arrives before the freeze takes hold.
    this.#api.onIdle = () => this.#child.kill('SIGSTOP')
    if (this.usable) {
      this.#child.kill('SIGSTOP')
    }
  }
}

function timeout<T>(ms: number, value: T, signal?: AbortSignal): Promise<T> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(value), ms)
    timer.unref()
    signal?.addEventListener('abort', () => clearTimeout(timer), { once: true })
  })
}
