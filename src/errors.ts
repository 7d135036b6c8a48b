/**
 * Every error that Boxlet raises on purpose.
 *
 * A person reads `message` (what was expected, for what, and what came instead) and `hint`
 * (what to do). A program reads `code`, which never changes its meaning. Neither ever holds a
 * stack, a secret, or a path that the reader did not type.
 */

/** Who can fix it; decides the exit code of the command line and the class of HTTP status. */
export type ErrorKind =
  | 'usage' // the call itself is wrong
  | 'input' // a picture, model or data set is wrong
  | 'missing' // a named thing does not exist
  | 'limit' // larger, longer or more than allowed
  | 'refused' // not permitted: credentials, licence, private address
  | 'unavailable' // the network, the disk or a busy service; may work later
  | 'internal' // a fault of Boxlet's own

/** All codes, their kind, and what each one means. `docs/errors.md` is checked against this table. */
export const ERROR_CODES = {
  USAGE: ['usage', 'An option or argument is unknown, missing or out of range.'],
  CONFIG_INVALID: ['usage', 'A configuration file or variable does not have the expected form.'],
  ABORTED: ['unavailable', 'The caller cancelled the work before it was done.'],
  DISPOSED: ['usage', 'The detector was used after it was disposed.'],
  TOO_MANY_FILES: ['unavailable', 'The process has as many files open as the system permits.'],
  INTERNAL: ['internal', 'Something that Boxlet takes for impossible happened.'],

  IMAGE_EMPTY: ['input', 'The picture has no bytes.'],
  IMAGE_FORMAT: ['input', 'The bytes are not a picture in a format that is read here.'],
  IMAGE_CORRUPT: ['input', 'The picture is damaged beyond decoding.'],
  IMAGE_TRUNCATED: ['input', 'The picture ends before its last row.'],
  IMAGE_TOO_LARGE: ['limit', 'The picture declares more pixels or bytes than the limit.'],
  IMAGE_NOT_FOUND: ['missing', 'No picture at that path, pattern or address.'],
  IMAGE_UNREADABLE: ['unavailable', 'The picture exists but could not be read.'],

  URL_REFUSED: ['refused', 'The address is of a kind, or in a network, that is not fetched.'],
  URL_FAILED: ['unavailable', 'The address did not answer with a picture in time.'],

  MODEL_NOT_FOUND: ['missing', 'No model of that name or at that path.'],
  MODEL_CORRUPT: ['input', 'The model file is damaged or not of the format that it claims.'],
  MODEL_LIMIT: ['limit', 'The model file exceeds a limit of the reader.'],
  MODEL_UNSUPPORTED: ['input', 'The model needs something that Boxlet or the runtime does not have.'],
  MODEL_UNRECOGNISED: ['input', 'No family matches the inputs and outputs of the model.'],
  MODEL_RUN_FAILED: ['input', 'The runtime could not load or run the model.'],
  MODEL_OUTPUT: ['input', 'The model gave outputs that do not fit its contract.'],
  CONTRACT_INVALID: ['input', 'The contract does not have the expected form or does not fit the model.'],
  LABELS_INVALID: ['input', 'The label file cannot be read or does not fit the model.'],

  DOWNLOAD_FAILED: ['unavailable', 'A model could not be fetched from any of its sources.'],
  DOWNLOAD_MISMATCH: ['unavailable', 'Fetched bytes do not have the expected hash or size.'],
  CACHE_UNWRITABLE: ['unavailable', 'The model cache cannot be written: disk full or no permission.'],
  LICENCE_REFUSED: ['refused', 'The licence of the weights has to be accepted by name first.'],

  DATASET_INVALID: ['input', 'A data set or one of its annotations does not have the expected form.'],
  DATASET_UNFIT: ['input', 'A data set can be read, but a detector cannot be taught from it as it is.'],
  TEACHING_FAILED: ['unavailable', 'A training run could not go on or could not be gone on with.'],
  OUTPUT_UNWRITABLE: ['unavailable', 'A result could not be written where it was asked for.'],

  UNAUTHENTICATED: ['refused', 'The request carries no credentials, or ones that are not valid.'],
  FORBIDDEN: ['refused', 'The credentials are valid but do not permit this.'],
  REQUEST_INVALID: ['usage', 'The request does not have the documented form.'],
  REQUEST_TOO_LARGE: ['limit', 'The request body is larger than the limit.'],
  NOT_FOUND: ['missing', 'There is nothing at that address.'],
  METHOD_NOT_ALLOWED: ['usage', 'The address does not take that method.'],
  OVERLOADED: ['unavailable', 'The queue is full; try again after the time given.'],
  TIMEOUT: ['unavailable', 'The work did not finish before its deadline.'],
  SHUTTING_DOWN: ['unavailable', 'The service no longer takes new work.'],

  JOB_NOT_FOUND: ['missing', 'There is no such job, or it belongs to somebody else.'],
  JOB_CONFLICT: ['usage', 'The job is in a state, or its key in a use, that does not allow this.'],
  JOB_LOST: ['internal', 'The worker ended while it had the picture, each time that it was tried.'],
  MANIFEST_INVALID: ['input', 'A manifest, or a line of it, does not have the expected form.'],
  STORE_UNAVAILABLE: ['unavailable', 'The store of jobs is locked, read-only, full or cannot be opened.'],
  STORE_CORRUPT: ['input', 'The store of jobs is damaged, or the file is no store.'],
  STORE_VERSION: ['input', 'The store of jobs was made by a newer Boxlet.'],
  WEBHOOK_FAILED: ['unavailable', 'The receiver of a webhook did not take it.'],

  PACKAGE_TOO_LARGE: ['limit', 'A deployment package exceeds a limit of the platform.'],
  AWS_FAILED: ['unavailable', 'An AWS service refused or failed a call.'],
  DEPLOY_FAILED: ['unavailable', 'A stack operation did not reach its goal.'],
} as const satisfies Record<string, readonly [ErrorKind, string]>

export type ErrorCode = keyof typeof ERROR_CODES

export interface BoxletErrorOptions extends ErrorOptions {
  /** What the reader can do about it, as one sentence. */
  hint?: string
  /** Facts for programs; shown to clients, so no paths and no secrets. */
  details?: Record<string, unknown>
}

/** The one error class. Message grammar: "Expected X for Y but received Z". */
export class BoxletError extends Error {
  override readonly name = 'BoxletError'
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly details: Record<string, unknown> | undefined

  constructor(code: ErrorCode, message: string, options: BoxletErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.hint = options.hint
    this.details = options.details
  }

  get kind(): ErrorKind {
    return ERROR_CODES[this.code][0]
  }

  /** The form that results, services and logs carry. */
  toJSON(): { code: ErrorCode; message: string; hint?: string; details?: Record<string, unknown> } {
    return {
      code: this.code,
      message: this.message,
      ...(this.hint === undefined ? {} : { hint: this.hint }),
      ...(this.details === undefined ? {} : { details: this.details }),
    }
  }
}

const cancelled = (cause: unknown): BoxletError =>
  new BoxletError('ABORTED', 'Expected the work to finish but it was cancelled.', { cause })

/** @throws BoxletError ABORTED, whatever reason the signal carries */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw cancelled(signal.reason)
  }
}

/** Causes that are looked at; a chain of errors may be a circle. */
const MAX_CAUSES = 8

/** A file that could not be opened for this reason is not missing or damaged, whatever was concluded from it. */
function isOutOfFiles(error: unknown): boolean {
  let cause = error
  for (let depth = 0; cause instanceof Error && depth < MAX_CAUSES; depth++) {
    const { code, message } = cause as NodeJS.ErrnoException
    // The loader of native libraries has the words of the system alone.
    if (code === 'EMFILE' || code === 'ENFILE' || message.includes('Too many open files')) {
      return true
    }
    cause = cause.cause
  }
  return false
}

/** Keeps a BoxletError as it is and hides anything else behind `INTERNAL`, with the cause kept. */
export function toBoxletError(error: unknown): BoxletError {
  if (isOutOfFiles(error)) {
    return new BoxletError(
      'TOO_MANY_FILES',
      'Expected to open one more file but the process may not have more open.',
      { cause: error, hint: 'Raise the limit with "ulimit -n 1024", or do less at once.' },
    )
  }
  if (error instanceof BoxletError) {
    return error
  }
  if (error instanceof Error && (error.name === 'AbortError' || error.name === 'TimeoutError')) {
    return cancelled(error)
  }
  return new BoxletError('INTERNAL', 'Expected the work to finish but an unforeseen fault stopped it.', {
    cause: error,
    hint: 'Please report this with the command and the input that caused it.',
  })
}
