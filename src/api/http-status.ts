import type { BoxletError, ErrorCode, ErrorKind } from '../errors.ts'

const BY_KIND: Record<ErrorKind, number> = {
  usage: 400,
  input: 422,
  missing: 404,
  limit: 413,
  refused: 403,
  unavailable: 503,
  internal: 500,
}

/** Codes whose kind does not tell an HTTP client enough. */
const BY_CODE: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  METHOD_NOT_ALLOWED: 405,
  IMAGE_FORMAT: 415,
  // The address that the caller sent is what is wrong, not the caller's rights.
  URL_REFUSED: 400,
  URL_FAILED: 422,
  // 404 would read as if the service had no such path.
  IMAGE_NOT_FOUND: 422,
  JOB_CONFLICT: 409,
  // The store is the operator's to fix.
  STORE_CORRUPT: 500,
  STORE_VERSION: 500,
  TIMEOUT: 504,
  // Nobody is left to read it; the code is the one that proxies log for a caller that went away.
  ABORTED: 499,
  DISPOSED: 503,
  // A model that cannot run is the operator's to fix.
  MODEL_RUN_FAILED: 500,
  MODEL_OUTPUT: 500,
  MODEL_CORRUPT: 500,
  CONTRACT_INVALID: 500,
}

/** Status of the native API for an error; every code has one through its kind. */
export const statusOf = (error: BoxletError): number => BY_CODE[error.code] ?? BY_KIND[error.kind]

/** Seconds after which a refused request may come again. One picture takes well under one. */
export const RETRY_AFTER_SECONDS = 1

export const mayRetry = (error: BoxletError): boolean =>
  error.code === 'OVERLOADED' || error.code === 'SHUTTING_DOWN' || error.code === 'STORE_UNAVAILABLE'
