import { useEffect, useState } from 'preact/hooks'
import { type ApiError, asApiError, detect, type Options, type Result } from '../api.ts'
import type { Picture } from './use-pictures.ts'

/** What is asked of each picture. */
export interface Request {
  model: string
  minScore: number
  options: Options
}

export interface Answer {
  /** Of the request that it answers. */
  asked: string
  model: string
  result?: Result
  error?: ApiError
}

export interface Answers {
  /** The answer for a picture, while it is of the model that is asked. */
  of(picture: Picture | undefined): Answer | undefined
  busy: boolean
  /** Asks again, as after a key was given or the service came back. */
  again(): void
}

/** Has every picture looked at, one at a time and the current one first; a changed request asks anew. */
export function useAnswers(
  list: readonly Picture[],
  current: Picture | undefined,
  request: Request | undefined,
): Answers {
  const [answers, setAnswers] = useState<ReadonlyMap<number, Answer>>(new Map())
  const [attempt, setAttempt] = useState(0)
  const asked = request && JSON.stringify([request, attempt])
  const isDone = (picture: Picture) => answers.get(picture.id)?.asked === asked
  const next =
    asked === undefined || current === undefined
      ? undefined
      : isDone(current)
        ? list.find((picture) => !isDone(picture))
        : current

  useEffect(() => {
    if (next === undefined || request === undefined || asked === undefined) {
      return
    }
    const leaving = new AbortController()
    const { model, minScore, options } = request
    const keep = (answer: Pick<Answer, 'result' | 'error'>) => {
      if (!leaving.signal.aborted) {
        setAnswers((before) => new Map(before).set(next.id, { asked, model, ...answer }))
      }
    }
    detect(next.source, { model, minScore, ...options }, leaving.signal).then(
      (result) => keep({ result }),
      (problem) => keep({ error: asApiError(problem) }),
    )
    return () => leaving.abort()
  }, [next?.id, asked])

  return {
    of: (picture) => {
      const answer = picture && answers.get(picture.id)
      return answer?.model === request?.model ? answer : undefined
    },
    busy: current !== undefined && next?.id === current.id,
    again: () => setAttempt((before) => before + 1),
  }
}
