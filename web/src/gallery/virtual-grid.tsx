import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { useSize } from '../detect/use-size.ts'

interface Props<T> {
  items: readonly T[]
  isEnd: boolean
  /** Asked for when the last rows come near. */
  onMore(): void
  render(item: T, index: number): ComponentChildren
  keyOf(item: T): string
  label: string
}

/** Pixels of a tile with the space about it. */
const TILE = { width: 240, height: 236 }
/** Rows drawn above and below what is seen, so that scrolling shows no holes. */
const SPARE_ROWS = 2

/**
 * A grid of tiles that scrolls with the page and draws those that can be seen: a hundred thousand cost no more than a
 * screen of them.
 */
export function VirtualGrid<T>({ items, isEnd, onMore, render, keyOf, label }: Props<T>) {
  const box = useRef<HTMLDivElement>(null)
  const { width } = useSize(box)
  const [view, setView] = useState({ top: 0, height: 0 })
  useEffect(() => {
    let frame = 0
    const look = () => {
      frame = 0
      const top = box.current?.getBoundingClientRect().top ?? 0
      setView({ top: -top, height: innerHeight })
    }
    const later = () => {
      frame ||= requestAnimationFrame(look)
    }
    look()
    addEventListener('scroll', later, { passive: true })
    addEventListener('resize', later)
    return () => {
      cancelAnimationFrame(frame)
      removeEventListener('scroll', later)
      removeEventListener('resize', later)
    }
  }, [width])

  const columns = Math.max(1, Math.floor(width / TILE.width))
  const rows = Math.ceil(items.length / columns)
  const first = Math.max(0, Math.floor(view.top / TILE.height) - SPARE_ROWS)
  const last = Math.min(rows, Math.ceil((view.top + view.height) / TILE.height) + SPARE_ROWS)
  useEffect(() => {
    if (!isEnd && items.length > 0 && last >= rows) {
      onMore()
    }
  }, [last, rows, isEnd, items.length, onMore])
  return (
    <div ref={box} class="grid" style={{ height: `${rows * TILE.height}px` }}>
      <ul
        class="tiles"
        aria-label={label}
        style={{
          transform: `translateY(${first * TILE.height}px)`,
          gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`,
          gridAutoRows: `${TILE.height}px`,
        }}
      >
        {width > 0 &&
          items
            .slice(first * columns, last * columns)
            .map((item, i) => <li key={keyOf(item)}>{render(item, first * columns + i)}</li>)}
      </ul>
    </div>
  )
}
