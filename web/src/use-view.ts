import { useEffect, useState } from 'preact/hooks'
import { PAGE_VIEWS } from '../../src/api/page-views.ts'

export type View = keyof typeof PAGE_VIEWS

const viewOf = (path: string): View =>
  (Object.keys(PAGE_VIEWS) as View[]).find((view) => PAGE_VIEWS[view] === path) ?? 'detect'

/** The view that the address names. Going to another loads nothing anew, so that pictures stay when a person comes back. */
export function useView(): { view: View; go(view: View): void } {
  const [view, setView] = useState(() => viewOf(location.pathname))
  useEffect(() => {
    const back = () => setView(viewOf(location.pathname))
    addEventListener('popstate', back)
    return () => removeEventListener('popstate', back)
  }, [])
  const go = (to: View) => {
    if (to !== view) {
      history.pushState(undefined, '', PAGE_VIEWS[to])
      setView(to)
    }
  }
  return { view, go }
}
