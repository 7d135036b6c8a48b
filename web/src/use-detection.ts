import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { ApiError, detect, drawn, LEAST_SCORE, type Result } from './api.ts'

export interface Picture {
  blob: Blob
  name: string
  /** Shown in the page. */
  url: string
}

export interface Detecting {
  picture: Picture | undefined
  result: Result | undefined
  error: ApiError | undefined
  busy: boolean
  /** Takes a new picture and has it looked at. */
  take(blob: Blob, name: string): void
  /** Looks at the same picture again, as after another model was chosen or a key was given. */
  again(): void
  /** The browser cannot show the picture: lets the service draw it. */
  redraw(): void
}

export function useDetection(model: string | undefined, least: number): Detecting {
  const [picture, setPicture] = useState<Picture>()
  const [result, setResult] = useState<Result>()
  const [error, setError] = useState<ApiError>()
  const [busy, setBusy] = useState(false)
  const running = useRef<AbortController>(undefined)

  const run = useCallback(
    async (blob: Blob) => {
      if (model === undefined) {
        return
      }
      running.current?.abort()
      const own = new AbortController()
      running.current = own
      setBusy(true)
      setError(undefined)
      try {
        setResult(await detect(blob, model, Math.min(LEAST_SCORE, least), own.signal))
      } catch (problem) {
        if (own.signal.aborted) {
          return
        }
        setResult(undefined)
        setError(problem instanceof ApiError ? problem : new ApiError(0, String(problem), undefined))
      } finally {
        if (running.current === own) {
          setBusy(false)
        }
      }
    },
    [model, least],
  )

  const take = useCallback(
    (blob: Blob, name: string) => {
      setResult(undefined)
      setPicture({ blob, name, url: URL.createObjectURL(blob) })
      void run(blob)
    },
    [run],
  )

  const redraw = useCallback(async () => {
    if (picture === undefined || model === undefined) {
      return
    }
    const shown = await drawn(picture.blob, model).catch(() => undefined)
    if (shown !== undefined) {
      setPicture({ ...picture, url: URL.createObjectURL(shown) })
    }
  }, [picture, model])

  useEffect(() => () => picture && URL.revokeObjectURL(picture.url), [picture])
  // Another model sees the same picture.
  useEffect(() => {
    if (picture !== undefined) {
      void run(picture.blob)
    }
  }, [model])

  const again = useCallback(() => picture && void run(picture.blob), [picture, run])
  return { picture, result, error, busy, take, again, redraw: () => void redraw() }
}
