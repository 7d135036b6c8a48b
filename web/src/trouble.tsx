import type { ApiError } from './api.ts'

interface Props {
  error: Pick<ApiError, 'message' | 'hint'>
  onAgain?: (() => void) | undefined
}

/** What went wrong, what may help, and a way to try again. */
export function Trouble({ error: { message, hint }, onAgain }: Props) {
  return (
    <div class="trouble" role="alert">
      <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true">
        <path d="M12 3 1.5 21h21z" />
        <path d="M12 10v5m0 2.5v.5" />
      </svg>
      <div>
        <p>{message}</p>
        {hint !== undefined && <p class="hint">{hint}</p>}
      </div>
      {onAgain && (
        <button type="button" onClick={onAgain}>
          Try again
        </button>
      )}
    </div>
  )
}
