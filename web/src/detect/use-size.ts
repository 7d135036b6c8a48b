import { useEffect, useState } from 'preact/hooks'

/** Width and height of an element in pixels, as they change; nothing until it has been laid out. */
export function useSize(element: { current: HTMLElement | null }): { width: number; height: number } {
  const [size, setSize] = useState({ width: 0, height: 0 })
  useEffect(() => {
    if (element.current === null) {
      return
    }
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) {
        const { width, height } = entry.contentRect
        setSize({ width, height })
      }
    })
    observer.observe(element.current)
    return () => observer.disconnect()
  }, [element])
  return size
}
