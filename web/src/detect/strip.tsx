import type { Answers } from './use-answers.ts'
import type { Pictures } from './use-pictures.ts'

interface Props {
  pictures: Pictures
  answers: Answers
  threshold: number
}

/** Several pictures side by side, each with the number of its objects. */
export function Strip({ pictures, answers, threshold }: Props) {
  const { list, current, choose, remove } = pictures
  if (list.length < 2) {
    return null
  }
  return (
    <ul class="strip" aria-label="Pictures">
      {list.map((picture) => {
        const answer = answers.of(picture)
        const count = answer?.result?.detections.filter(({ score }) => score >= threshold).length
        const note = answer?.error ? 'error' : count === undefined ? 'waiting' : `${count}`
        return (
          <li key={picture.id}>
            <button
              type="button"
              class={answer?.error ? 'thumb failed' : 'thumb'}
              aria-current={picture.id === current?.id}
              aria-label={`${picture.name}: ${answer?.error || count === undefined ? note : `${count} objects`}`}
              onClick={() => choose(picture.id)}
            >
              {picture.url !== undefined && !picture.broken && (
                <img
                  src={picture.url}
                  alt=""
                  loading="lazy"
                  decoding="async"
                  onError={() => pictures.redraw(picture)}
                />
              )}
              <b>{answer?.error ? '!' : count === undefined ? '…' : count}</b>
            </button>
            <button
              type="button"
              class="remove"
              aria-label={`Remove ${picture.name}`}
              onClick={() => remove(picture.id)}
            >
              ×
            </button>
          </li>
        )
      })}
    </ul>
  )
}
