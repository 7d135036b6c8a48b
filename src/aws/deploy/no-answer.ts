/** Calls that AWS itself never answered: the host has no address, or something else stands there. */
import { BoxletError } from '../../errors.ts'

/** undefined where the host was found. */
export function unknownHost(task: string, cause: unknown): BoxletError | undefined {
  const { code, hostname = 'the service' } = cause as { code?: string; hostname?: string }
  if (code !== 'ENOTFOUND' && code !== 'EAI_AGAIN') {
    return undefined
  }
  return new BoxletError('AWS_FAILED', `Expected AWS to ${task} but ${hostname} cannot be found (${code}).`, {
    cause,
    hint: 'Is that a region of AWS, such as eu-west-1? If so, look at the network.',
  })
}

interface Answered {
  message?: string
  $response?: { statusCode?: number; headers?: Record<string, string> }
  $metadata?: { httpStatusCode?: number }
}

/** undefined where AWS has answered, in whatever way. */
export function foreignAnswer(task: string, cause: unknown): BoxletError | undefined {
  const { message = '', $response } = cause as Answered
  const isPage = $response?.headers?.['content-type']?.startsWith('text/html') ?? false
  const isUnread = /deserialization error|parse error/i.test(message)
  return isPage || isUnread ? notOfAws(task, cause as Answered) : undefined
}

/** @param answer an error of the SDK, or a result that lacks what every answer has */
export function notOfAws(task: string, answer: Answered): BoxletError {
  const { $response, $metadata } = answer
  const status = $response?.statusCode ?? $metadata?.httpStatusCode
  const media = $response?.headers?.['content-type']?.split(';')[0] ?? 'something'
  return new BoxletError(
    'AWS_FAILED',
    `Expected AWS to ${task} but received ${media}${status === undefined ? '' : ` with status ${status}`} that is no answer of AWS.`,
    {
      cause: answer,
      hint: 'Another server answers in its place: look at AWS_ENDPOINT_URL and at proxies.',
    },
  )
}
