import { useCallback, useEffect, useRef, useState } from 'preact/hooks'
import { drawn, type Source } from '../api.ts'

export interface Picture {
  id: number
  name: string
  source: Source
  /** What the page shows; absent until the service has drawn what the browser cannot show. */
  url: string | undefined
  /** Neither the browser nor the service can show it. */
  broken: boolean
}

export interface Pictures {
  list: readonly Picture[]
  current: Picture | undefined
  /** Adds pictures and goes to the first of them. */
  add(sources: readonly { source: Source; name: string }[]): void
  choose(id: number): void
  remove(id: number): void
  /** The browser cannot show the picture: lets the service draw it. */
  redraw(picture: Picture): void
}

/** Each is held by the page while it is open; a hundred photos are half a gigabyte at most. */
const MOST_PICTURES = 100

/** The pictures of the strip, and the one that is looked at. */
export function usePictures(model: string | undefined): Pictures {
  const [list, setList] = useState<readonly Picture[]>([])
  const [chosen, setChosen] = useState<number>()
  const next = useRef(1)
  const drawing = useRef(new Set<number>())

  const change = useCallback(
    (id: number, part: Partial<Picture>) =>
      setList((before) => before.map((picture) => (picture.id === id ? { ...picture, ...part } : picture))),
    [],
  )
  const add = useCallback((sources: readonly { source: Source; name: string }[]) => {
    const added = sources.slice(0, MOST_PICTURES).map(({ source, name }) => ({
      id: next.current++,
      name,
      source,
      url: source instanceof Blob ? URL.createObjectURL(source) : undefined,
      broken: false,
    }))
    setList((before) => {
      const all = [...before, ...added]
      for (const { url } of all.slice(0, -MOST_PICTURES)) {
        forget(url)
      }
      return all.slice(-MOST_PICTURES)
    })
    setChosen(added[0]?.id)
  }, [])
  const redraw = useCallback(
    async ({ id, source, url }: Picture) => {
      if (model === undefined || drawing.current.has(id)) {
        return
      }
      // Once for each picture: what the service has drawn can be shown.
      drawing.current.add(id)
      forget(url)
      const shown = await drawn(source, { model, minScore: 1 }).catch(() => undefined)
      change(id, shown === undefined ? { broken: true } : { url: URL.createObjectURL(shown) })
    },
    [model, change],
  )
  const remove = useCallback(
    (id: number) => {
      const at = list.findIndex((picture) => picture.id === id)
      forget(list[at]?.url)
      setList(list.filter((picture) => picture.id !== id))
      setChosen((list[at + 1] ?? list[at - 1])?.id)
    },
    [list],
  )
  const current = list.find(({ id }) => id === chosen) ?? list.at(-1)
  // A picture by address has nothing to show yet.
  useEffect(() => {
    if (current !== undefined && current.url === undefined && !current.broken) {
      void redraw(current)
    }
  }, [current, redraw])
  return { list, current, add, choose: setChosen, remove, redraw: (picture) => void redraw(picture) }
}

const forget = (url: string | undefined): void => {
  if (url !== undefined) {
    URL.revokeObjectURL(url)
  }
}
