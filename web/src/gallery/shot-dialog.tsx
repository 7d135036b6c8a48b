import { useEffect, useRef } from 'preact/hooks'
import { Copyable } from '../copyable.tsx'
import type { Shot } from './jobs-api.ts'
import { ShotImage } from './shot-image.tsx'
import { ReviewButtons } from './shot-tile.tsx'

interface Props {
  shot: Shot
  onClose(): void
  /** To the one before or after it. */
  onStep(by: 1 | -1): void
  onReview(decision: 'approved' | 'rejected' | null): void
}

const EDGE = 1280

/** One picture large, with its sentence to copy. Arrow keys step, A approves and R rejects, Escape closes. */
export function ShotDialog({ shot, onClose, onStep, onReview }: Props) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  const key = (event: KeyboardEvent) => {
    if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
      onStep(event.key === 'ArrowRight' ? 1 : -1)
    } else if (shot.verdict && (event.key === 'a' || event.key === 'r')) {
      onReview(event.key === 'a' ? 'approved' : 'rejected')
    } else {
      return
    }
    event.preventDefault()
  }
  const { name, result, error, verdict, finishedAt } = shot
  return (
    <dialog ref={dialog} class="large" aria-label={name} onClose={onClose} onKeyDown={key}>
      <div class="large-bar">
        <button type="button" onClick={() => onStep(-1)} aria-label="Picture before">
          ‹
        </button>
        <button type="button" onClick={() => onStep(1)} aria-label="Picture after">
          ›
        </button>
        <h2>{name}</h2>
        <button type="button" onClick={() => dialog.current?.close()} aria-label="Close">
          ×
        </button>
      </div>
      <ShotImage shot={shot} edge={EDGE} />
      {verdict && (
        <>
          <p>
            {verdict.verdict}:{' '}
            {verdict.matches
              .map(({ label, score, count }) => `${count} ${label} up to ${Math.round(score * 100)} %`)
              .join(', ')}
          </p>
          <ReviewButtons shot={shot} onReview={onReview} />
        </>
      )}
      {error && <p class="trouble">{error.message}</p>}
      {result?.altText && <Copyable title="Alternative text" text={result.altText} />}
      <p class="hint">
        Job {shot.job}, picture {shot.n}
        {finishedAt && `, ${new Date(finishedAt).toLocaleString()}`}
      </p>
    </dialog>
  )
}
