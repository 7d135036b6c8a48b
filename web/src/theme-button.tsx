import { useEffect, useState } from 'preact/hooks'

const THEMES = ['system', 'light', 'dark'] as const
type Theme = (typeof THEMES)[number]

/** Follows the system until a person says otherwise. */
export function ThemeButton() {
  const [theme, setTheme] = useState<Theme>(() => stored())
  useEffect(() => {
    document.documentElement.style.colorScheme = theme === 'system' ? 'light dark' : theme
    localStorage.setItem('boxlet-theme', theme)
  }, [theme])
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] as Theme
  return (
    <button
      type="button"
      class="quiet"
      onClick={() => setTheme(next)}
      aria-label={`Theme: ${theme}. Change to ${next}.`}
    >
      {theme === 'system' ? '◐' : theme === 'light' ? '☀' : '☾'}
    </button>
  )
}

function stored(): Theme {
  const value = localStorage.getItem('boxlet-theme')
  return THEMES.find((theme) => theme === value) ?? 'system'
}
