import type { BoxletError, ErrorCode, ErrorKind } from '../../../errors.ts'
import { defined } from '../../../system/defined.ts'

/** An error name of Rekognition, its status, and its own sentence where it has a fixed one. */
interface AwsError {
  name: string
  status: number
  message?: string
}

const client = (name: string, message?: string): AwsError => ({
  name,
  status: 400,
  ...defined({ message }),
})

const INVALID_FORMAT = client('InvalidImageFormatException', 'Request has invalid image format')
const TOO_LARGE = client('ImageTooLargeException', 'The input image size exceeds the allowed limit.')
const S3_OBJECT = client(
  'InvalidS3ObjectException',
  'Unable to get object metadata from S3. Check object key, region and/or access permissions.',
)
const INTERNAL: AwsError = { name: 'InternalServerError', status: 500, message: 'Internal server error' }

const BY_CODE: Partial<Record<ErrorCode, AwsError>> = {
  IMAGE_EMPTY: INVALID_FORMAT,
  IMAGE_FORMAT: INVALID_FORMAT,
  IMAGE_CORRUPT: INVALID_FORMAT,
  IMAGE_TRUNCATED: INVALID_FORMAT,
  IMAGE_TOO_LARGE: TOO_LARGE,
  REQUEST_TOO_LARGE: client('ImageTooLargeException', 'The input image size exceeds the allowed limit.'),
  IMAGE_NOT_FOUND: S3_OBJECT,
  IMAGE_UNREADABLE: S3_OBJECT,
  REQUEST_INVALID: client('InvalidParameterException'),
  MODEL_NOT_FOUND: client('ResourceNotFoundException'),
  FORBIDDEN: client('AccessDeniedException'),
  UNAUTHENTICATED: client('UnrecognizedClientException'),
  OVERLOADED: client('ThrottlingException', 'Rate exceeded'),
  SHUTTING_DOWN: { name: 'ServiceUnavailableException', status: 503 },
  TIMEOUT: { name: 'InternalServerError', status: 500 },
  MODEL_RUN_FAILED: INTERNAL,
  MODEL_OUTPUT: INTERNAL,
}

const BY_KIND: Record<ErrorKind, AwsError> = {
  usage: client('InvalidParameterException'),
  input: INVALID_FORMAT,
  missing: client('ResourceNotFoundException'),
  limit: TOO_LARGE,
  refused: client('AccessDeniedException'),
  unavailable: { name: 'ServiceUnavailableException', status: 503 },
  internal: INTERNAL,
}

/** Rekognition's name, status and sentence for an error of ours. */
export function awsErrorOf(error: BoxletError): Required<AwsError> {
  const known = BY_CODE[error.code] ?? BY_KIND[error.kind]
  const { aws } = error.details ?? {}
  // A place that knows Rekognition better than the table names the exception itself.
  const name = typeof aws === 'string' ? aws : known.name
  const message = typeof aws === 'string' ? error.message : (known.message ?? error.message)
  return { name, status: known.status, message }
}

/** An error in the form of the AWS JSON 1.1 protocol. */
export function rekognitionError(error: BoxletError, requestId: string, headers: Headers): Response {
  const { name, status, message } = awsErrorOf(error)
  headers.set('content-type', 'application/x-amz-json-1.1')
  headers.set('x-amzn-requestid', requestId)
  headers.set('x-amzn-errortype', name)
  headers.delete('www-authenticate')
  return new Response(
    JSON.stringify({ __type: name, Code: name, Logref: requestId, Message: message, message }),
    {
      status,
      headers,
    },
  )
}
