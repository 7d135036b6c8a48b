import { BoxletError } from '../../errors.ts'

/** What the caller wants back. */
export type AnswerForm =
  | { kind: 'json' }
  | { kind: 'text' }
  | { kind: 'picture'; format: 'jpeg' | 'png' | 'webp' }

const FORMS: Record<string, AnswerForm> = {
  'application/json': { kind: 'json' },
  'text/plain': { kind: 'text' },
  'image/jpeg': { kind: 'picture', format: 'jpeg' },
  'image/png': { kind: 'picture', format: 'png' },
  'image/webp': { kind: 'picture', format: 'webp' },
  'image/*': { kind: 'picture', format: 'jpeg' },
  'text/*': { kind: 'text' },
  'application/*': { kind: 'json' },
  '*/*': { kind: 'json' },
}

/**
 * Reads the Accept header: the form of highest quality wins, then the one named first.
 *
 * @throws BoxletError REQUEST_INVALID when nothing named is offered
 */
export function answerForm(accept: string | undefined): AnswerForm {
  if (accept === undefined || accept.trim() === '') {
    return { kind: 'json' }
  }
  const ranges = accept
    .split(',')
    .map((range) => {
      const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase())
      const quality = parameters.find((parameter) => parameter.startsWith('q='))
      return { type, quality: quality === undefined ? 1 : Number(quality.slice(2)) || 0 }
    })
    .filter(({ type, quality }) => quality > 0 && Object.hasOwn(FORMS, type))
    .sort((a, b) => b.quality - a.quality)
  const best = ranges[0]
  if (best === undefined) {
    throw new BoxletError('REQUEST_INVALID', 'Expected an offered type in Accept but received others.', {
      hint: 'Offered: application/json, text/plain, image/jpeg, image/png, image/webp.',
      details: { status: 406 },
    })
  }
  return FORMS[best.type] as AnswerForm
}
