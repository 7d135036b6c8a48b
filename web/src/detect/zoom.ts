import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'

export const STEP = 1.25
const MOST = 12

interface Point {
  clientX: number
  clientY: number
}

export interface Zoom {
  factor: number
  /** Changes it about a point of the screen, that of the frame's middle where none is given. */
  by(factor: number, at?: Point): void
  fit(): void
}

/** Zooming that keeps what is under the pointer there, and panning by dragging. The frame scrolls; its first child grows. */
export function useZoom(frame: { current: HTMLElement | null }, subject: unknown): Zoom {
  const [factor, setFactor] = useState(1)
  const anchor = useRef<{ x: number; y: number; u: number; v: number }>(undefined)
  useEffect(() => setFactor(1), [subject])

  const by = (change: number, at?: Point) => {
    const sheet = frame.current?.firstElementChild?.getBoundingClientRect()
    const view = frame.current?.getBoundingClientRect()
    if (sheet === undefined || view === undefined) {
      return
    }
    const x = at?.clientX ?? view.left + view.width / 2
    const y = at?.clientY ?? view.top + view.height / 2
    anchor.current = { x, y, u: (x - sheet.left) / sheet.width, v: (y - sheet.top) / sheet.height }
    setFactor((before) => Math.min(MOST, Math.max(1, before * change)))
  }
  useLayoutEffect(() => {
    const sheet = frame.current?.firstElementChild?.getBoundingClientRect()
    const held = anchor.current
    if (frame.current === null || sheet === undefined || held === undefined) {
      return
    }
    frame.current.scrollLeft += sheet.left + held.u * sheet.width - held.x
    frame.current.scrollTop += sheet.top + held.v * sheet.height - held.y
  }, [factor])

  const change = useRef(by)
  change.current = by
  useEffect(() => {
    const element = frame.current
    return element === null ? undefined : listen(element, (factor, at) => change.current(factor, at))
  }, [frame, subject === undefined])
  return { factor, by, fit: () => setFactor(1) }
}

/** Ctrl and the wheel, which is also what a pinch on a touchpad sends; two fingers; a double click; a mouse that drags. */
function listen(element: HTMLElement, by: (factor: number, at: Point) => void): () => void {
  const off = new AbortController()
  const { signal } = off
  element.addEventListener(
    'wheel',
    (event) => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault()
        by(Math.exp(-event.deltaY / 300), event)
      }
    },
    { passive: false, signal },
  )
  element.addEventListener('dblclick', (event) => by(event.shiftKey ? 1 / 2 : 2, event), { signal })

  let apart = 0
  element.addEventListener(
    'touchmove',
    (event) => {
      const [a, b] = event.touches
      if (a === undefined || b === undefined) {
        apart = 0
        return
      }
      event.preventDefault()
      const now = Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY)
      if (apart > 0) {
        by(now / apart, { clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 })
      }
      apart = now
    },
    { passive: false, signal },
  )
  element.addEventListener(
    'touchend',
    () => {
      apart = 0
    },
    { signal },
  )

  element.addEventListener(
    'pointerdown',
    (down) => {
      // Fingers scroll by themselves.
      if (down.pointerType === 'mouse' && down.button === 0) {
        drag(element, down)
      }
    },
    { signal },
  )
  return () => off.abort()
}

/** Pixels below which a press is a click. */
const STILL = 4

function drag(element: HTMLElement, down: PointerEvent): void {
  const from = { left: element.scrollLeft, top: element.scrollTop }
  const off = new AbortController()
  let isMoving = false
  element.addEventListener(
    'pointermove',
    (move) => {
      const [dx, dy] = [move.clientX - down.clientX, move.clientY - down.clientY]
      if (!isMoving && Math.hypot(dx, dy) < STILL) {
        return
      }
      if (!isMoving) {
        isMoving = true
        element.setPointerCapture(down.pointerId)
      }
      element.scrollLeft = from.left - dx
      element.scrollTop = from.top - dy
    },
    { signal: off.signal },
  )
  for (const end of ['pointerup', 'pointercancel'] as const) {
    element.addEventListener(end, () => off.abort(), { signal: off.signal })
  }
}
