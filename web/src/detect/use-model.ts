import { useEffect, useState } from 'preact/hooks'
import { type ApiError, asApiError, getModel, LEAST_SCORE, type Model, type Options } from '../api.ts'
import type { Request } from './use-answers.ts'

export interface ChosenModel {
  model: Model | undefined
  threshold: number
  setThreshold(threshold: number): void
  request: Request | undefined
  problem: ApiError | undefined
}

/** A model by name, with the threshold that it starts with. */
export function useModel(name: string | undefined, options: Options, attempt: number): ChosenModel {
  const [model, setModel] = useState<Model>()
  const [threshold, setThreshold] = useState(0.25)
  const [problem, setProblem] = useState<ApiError>()
  useEffect(() => {
    let isLeft = false
    setProblem(undefined)
    if (name === undefined) {
      setModel(undefined)
      return
    }
    getModel(name).then(
      (loaded) => {
        if (!isLeft) {
          setModel(loaded)
          setThreshold(loaded.contract.thresholds.score)
        }
      },
      (failure) => !isLeft && setProblem(asApiError(failure)),
    )
    return () => {
      isLeft = true
    }
  }, [name, attempt])
  const loaded = model?.name === name ? model : undefined
  return {
    model: loaded,
    threshold,
    setThreshold,
    request: loaded && {
      model: loaded.name,
      minScore: Math.min(LEAST_SCORE, loaded.contract.thresholds.score),
      options,
    },
    problem,
  }
}
