import { BoxletError } from '../../errors.ts'

/** What a deployed function is told, in the terms of Lambda. */
export interface FunctionConfig {
  name: string
  /** file.export, as Lambda's Handler. */
  handler: string
  memoryMb: number
  timeoutMs: number
  /** The function's own variables. */
  environment: Readonly<Record<string, string>>
  region: string
  /** Major version of the managed runtime that is imitated. */
  nodeMajor: number
}

/** 1 vCPU at this many megabytes. Source: Lambda developer guide, "Configure Lambda function memory". */
export const MB_PER_VCPU = 1769
const MIN_MEMORY_MB = 128
const MAX_MEMORY_MB = 10_240
const MAX_TIMEOUT_S = 900
/** All variables of a function together, names and values as JSON. */
const MAX_ENVIRONMENT_BYTES = 4096
/** Set by Lambda; a deployment that sets them is refused. */
const RESERVED =
  /^(_HANDLER|_X_AMZN_TRACE_ID|AWS_(REGION|DEFAULT_REGION|EXECUTION_ENV|ACCESS_KEY(_ID)?|SECRET_ACCESS_KEY|SESSION_TOKEN|LAMBDA_.+)|LAMBDA_(TASK_ROOT|RUNTIME_DIR)|TZ)$/

/** Refuses what Lambda would refuse at deployment, so that a local run does not pass where a real one fails. */
export function checkFunctionConfig(config: FunctionConfig): void {
  const { memoryMb, timeoutMs, environment } = config
  if (!Number.isInteger(memoryMb) || memoryMb < MIN_MEMORY_MB || memoryMb > MAX_MEMORY_MB) {
    throw new BoxletError(
      'USAGE',
      `Expected ${MIN_MEMORY_MB}-${MAX_MEMORY_MB} MB for the memory but received ${memoryMb}.`,
    )
  }
  if (!(timeoutMs > 0) || timeoutMs > MAX_TIMEOUT_S * 1000) {
    throw new BoxletError(
      'USAGE',
      `Expected 1-${MAX_TIMEOUT_S} seconds for the timeout but received ${timeoutMs / 1000}.`,
    )
  }
  const reserved = Object.keys(environment).find((name) => RESERVED.test(name))
  if (reserved !== undefined) {
    throw new BoxletError('USAGE', `Expected no reserved variable but received ${reserved}.`)
  }
  const bytes = Buffer.byteLength(JSON.stringify(environment))
  if (bytes > MAX_ENVIRONMENT_BYTES) {
    throw new BoxletError(
      'USAGE',
      `Expected at most ${MAX_ENVIRONMENT_BYTES} bytes of environment variables but received ${bytes}.`,
    )
  }
}

export interface SandboxFolders {
  /** Unpacked zip; /var/task on Lambda. */
  task: string
  /** Unpacked layers; /opt on Lambda. */
  opt: string
  /** The only writable folder; /tmp on Lambda. */
  tmp: string
  /** Folder with the AWS SDK that the managed runtime has; /var/runtime/node_modules on Lambda. */
  runtimeModules: string | undefined
}

/**
 * The environment of a Lambda process, and nothing of ours but PATH. The credentials are placeholders unless
 * the caller passes real ones, so that a local run touches no account by accident.
 */
export function lambdaEnvironment(
  config: FunctionConfig,
  folders: SandboxFolders,
  runtimeApi: string,
  credentials: Record<string, string> = {},
): Record<string, string> {
  const { task, opt, tmp, runtimeModules } = folders
  return {
    ...config.environment,
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    TMPDIR: tmp,
    HOME: tmp,
    NODE_PATH: [`${opt}/nodejs/node_modules`, runtimeModules, task]
      .filter((part) => part !== undefined)
      .join(':'),
    LD_LIBRARY_PATH: `${task}:${task}/lib:${opt}/lib`,
    LAMBDA_TASK_ROOT: task,
    // Lambda mounts layers at /opt, which a local run may not write to.
    BOXLET_OPT: opt,
    _HANDLER: config.handler,
    AWS_LAMBDA_RUNTIME_API: runtimeApi,
    AWS_LAMBDA_FUNCTION_NAME: config.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(config.memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: `/aws/lambda/${config.name}`,
    AWS_LAMBDA_LOG_STREAM_NAME: `local/[$LATEST]${process.pid}`,
    AWS_LAMBDA_INITIALIZATION_TYPE: 'on-demand',
    AWS_REGION: config.region,
    AWS_DEFAULT_REGION: config.region,
    AWS_EXECUTION_ENV: `AWS_Lambda_nodejs${config.nodeMajor}.x`,
    AWS_XRAY_CONTEXT_MISSING: 'LOG_ERROR',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    ...credentials,
  }
}
