import type { Shot } from './jobs-api.ts'
import { ShotImage } from './shot-image.tsx'

interface Props {
  shot: Shot
  onOpen(): void
  onReview(decision: 'approved' | 'rejected' | null): void
}

const EDGE = 320

/** A picture with its boxes, what came of it, and two buttons where a person has to decide. */
export function ShotTile({ shot, onOpen, onReview }: Props) {
  const { name, state, result, error, verdict, review } = shot
  return (
    <article class={`tile ${review?.decision ?? verdict?.verdict ?? ''}`}>
      <button type="button" class="open" onClick={onOpen} aria-label={`Open ${name}`}>
        <ShotImage shot={shot} edge={EDGE} />
      </button>
      <p class="tile-name" title={name}>
        {name.split('/').at(-1)}
      </p>
      <p class="tile-facts">
        {result ? countsOf(result.detections) : (error?.message ?? state)}
        {verdict && !review && <b class="mark">{verdict.verdict}</b>}
      </p>
      {verdict && <ReviewButtons shot={shot} onReview={onReview} />}
    </article>
  )
}

/** Approve and reject; the one that holds takes itself back. */
export function ReviewButtons({ shot: { name, review }, onReview }: Omit<Props, 'onOpen'>) {
  const button = (decision: 'approved' | 'rejected', verb: string) => (
    <button
      type="button"
      class={decision}
      aria-pressed={review?.decision === decision}
      aria-label={`${verb} ${name}`}
      onClick={() => onReview(review?.decision === decision ? null : decision)}
    >
      {verb}
    </button>
  )
  return (
    <div class="decide">
      {button('approved', 'Approve')}
      {button('rejected', 'Reject')}
    </div>
  )
}

function countsOf(detections: readonly { label: string }[]): string {
  const counts = new Map<string, number>()
  for (const { label } of detections) {
    counts.set(label, (counts.get(label) ?? 0) + 1)
  }
  return counts.size === 0 ? 'nothing found' : [...counts].map(([label, n]) => `${n} ${label}`).join(', ')
}
