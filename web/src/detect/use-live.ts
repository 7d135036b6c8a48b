import { useEffect, useRef, useState } from 'preact/hooks'
import { asApiError, detect, type Result } from '../api.ts'
import { still } from './still.ts'
import type { Request } from './use-answers.ts'

/** A larger picture takes longer on its way and finds little more: models look at 320 to 640 pixels. */
const LONGEST_EDGE = 1280
/** Answers over which the rate is taken. */
const OVER = 10
/** After a refusal or before the camera's first picture. */
const WAIT_MS = 250

/** Sends what the camera sees, the next picture when the answer for the last one is there: no queue can grow. */
export function useLive(
  video: { current: HTMLVideoElement | null },
  request: Request | undefined,
  onResult: (result: Result) => void,
): { rate: number | undefined; problem: string | undefined } {
  const [rate, setRate] = useState<number>()
  const [problem, setProblem] = useState<string>()
  const told = useRef(onResult)
  told.current = onResult
  const asked = request && JSON.stringify(request)
  useEffect(() => {
    if (request === undefined) {
      return
    }
    const leaving = new AbortController()
    const { signal } = leaving
    const times: number[] = []
    const { model, minScore, options } = request
    const loop = async () => {
      while (!signal.aborted) {
        const blob = video.current && (await still(video.current, LONGEST_EDGE))
        try {
          if (blob == null) {
            await wait(WAIT_MS)
            continue
          }
          const result = await detect(blob, { model, minScore, ...options }, signal)
          if (signal.aborted) {
            return
          }
          times.push(performance.now())
          const [first = 0, last = 0] = [times.at(-OVER - 1) ?? times[0], times.at(-1)]
          const count = Math.min(OVER, times.length - 1)
          setRate(count > 0 ? (count * 1000) / (last - first) : undefined)
          setProblem(undefined)
          told.current(result)
        } catch (failure) {
          if (!signal.aborted) {
            setProblem(asApiError(failure).message)
            await wait(4 * WAIT_MS)
          }
        }
      }
    }
    void loop()
    return () => leaving.abort()
  }, [asked])
  return { rate, problem }
}

const wait = (milliseconds: number) => new Promise<void>((resolve) => setTimeout(resolve, milliseconds))
