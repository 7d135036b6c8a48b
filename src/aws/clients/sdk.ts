import { createRequire } from 'node:module'
import { BoxletError, type ErrorCode } from '../../errors.ts'

const require = createRequire(import.meta.url)

/**
 * Loads a client of the AWS SDK the first time that something needs it; that takes 200–400 ms on a small
 * Lambda, which requests with their picture in the body must not spend.
 *
 * The managed runtime keeps its SDK on NODE_PATH, which only `require` looks at.
 */
export function loadSdk<T>(name: string): T {
  // The versions are pinned to ones that run here; the advice is of no use to callers and would stand before results.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true'
  try {
    return require(name) as T
  } catch (cause) {
    throw new BoxletError('AWS_FAILED', `Expected the AWS SDK package ${name} but it is not installed.`, {
      cause,
      hint: `Run "npm install ${name}".`,
    })
  }
}

/** The name of an SDK error and its HTTP status, without its message, which may name resources. */
export function sdkFault(error: unknown): { name: string; status: number | undefined } {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } }
  return { name: name ?? 'Error', status: $metadata?.httpStatusCode }
}

/**
 * For clients inside a function. The SDK waits without end by default, so that a function in a VPC without a way to
 * the service ends at its own timeout without a word. A large object may take long; a silent connection may not.
 */
export const clientOptions = (timeoutMs = 10_000) => ({
  requestHandler: {
    connectionTimeout: Math.min(2000, timeoutMs),
    requestTimeout: timeoutMs,
    throwOnRequestTimeout: true,
    socketTimeout: timeoutMs,
  },
})

/** True when no answer came at all: no route, no name, a refused or silent connection. */
export function isUnreachable(error: unknown): boolean {
  const { name, code } = error as { name?: string; code?: string }
  return name === 'TimeoutError' || NETWORK_FAULTS.includes(code ?? '')
}

const NETWORK_FAULTS = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
]

export function unreachable(code: ErrorCode, service: string, cause: unknown): BoxletError {
  const { code: fault } = cause as { code?: string }
  const what =
    fault === 'ENOTFOUND' || fault === 'EAI_AGAIN' ? 'its address cannot be resolved' : 'none came in time'
  return new BoxletError(code, `Expected an answer of ${service} but ${what}.`, {
    cause,
    hint: `A function in a VPC needs an endpoint for ${service} or a NAT gateway, and a security group that lets it out.`,
  })
}
