import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { type ApiError, asApiError } from '../api.ts'
import type { Page } from './jobs-api.ts'

export interface Pages<T> {
  items: readonly T[]
  isEnd: boolean
  busy: boolean
  error: ApiError | undefined
  /** Reads the next page; nothing while one is under way. */
  more(): void
  /** Begins anew, keeping what is shown until the first page is there. */
  reload(): void
  change(change: (items: readonly T[]) => readonly T[]): void
}

/** Most pages read in a row that hold nothing: a filter that finds little in much gives empty pages with a cursor. */
const MOST_EMPTY = 25

/** A list that is read page by page as a person scrolls; `key` names what is listed. */
export function usePages<T>(key: string, read: (cursor?: string) => Promise<Page<T>>): Pages<T> {
  const [items, setItems] = useState<readonly T[]>([])
  const [isEnd, setEnd] = useState(false)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError>()
  const place = useRef<{ run: number; cursor: string | undefined; busy: boolean }>({
    run: 0,
    cursor: undefined,
    busy: false,
  })
  const reading = useRef(read)
  reading.current = read

  const next = useCallback(async (isFirst: boolean) => {
    const { run } = place.current
    place.current.busy = true
    setBusy(true)
    setError(undefined)
    try {
      let page: Page<T> | undefined
      for (
        let tries = 0;
        tries < MOST_EMPTY && (page === undefined || (page.items.length === 0 && page.cursor));
        tries++
      ) {
        page = await reading.current(place.current.cursor)
        if (place.current.run !== run) {
          return
        }
        place.current.cursor = page.cursor
      }
      setItems((before) => (isFirst ? (page?.items ?? []) : [...before, ...(page?.items ?? [])]))
      setEnd(page?.cursor === undefined)
    } catch (problem) {
      if (place.current.run === run) {
        setError(asApiError(problem))
        setEnd(true)
      }
    } finally {
      if (place.current.run === run) {
        place.current.busy = false
        setBusy(false)
      }
    }
  }, [])
  const reload = useCallback(() => {
    place.current = { run: place.current.run + 1, cursor: undefined, busy: false }
    void next(true)
  }, [next])
  useEffect(() => {
    setItems([])
    setEnd(false)
    reload()
  }, [key, reload])
  const more = useCallback(() => {
    if (!place.current.busy && place.current.cursor !== undefined) {
      void next(false)
    }
  }, [next])
  return { items, isEnd, busy, error, more, reload, change: setItems }
}
