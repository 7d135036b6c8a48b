import type { Model } from '../api.ts'
import { Copyable } from '../copyable.tsx'

/** What the model expects and gives, and why Boxlet thinks so. */
export function ModelPanel({ model }: { model: Model | undefined }) {
  if (model === undefined) {
    return <p class="hint">Loading.</p>
  }
  const { contract, evidence } = model
  const { input, suppression, thresholds, labels } = contract
  const facts: [string, string][] = [
    ['Family', model.family],
    ['Task', contract.task],
    ['Licence', model.licence ?? 'unknown'],
    ['Input', `${input.size.width} × ${input.size.height}, ${input.colour}, ${input.layout}, ${input.dtype}`],
    ['Threshold', String(thresholds.score)],
    ['Suppression', suppression.kind === 'none' ? 'none' : `${suppression.kind}, IoU ${suppression.iou}`],
    ['Classes', `${labels.filter((label) => label !== null).length}`],
    ['SHA-256', model.sha256],
  ]
  return (
    <>
      <dl class="contract">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {evidence.length > 0 && (
        <details>
          <summary>Why: {evidence.length} findings</summary>
          <ul class="evidence">
            {evidence.map(({ about, conclusion, because }) => (
              <li key={about + conclusion}>
                <b>{about}</b>: {conclusion}, because {because}
              </li>
            ))}
          </ul>
        </details>
      )}
      <details>
        <summary>Whole contract</summary>
        <Copyable title="contract.json" text={JSON.stringify(contract, undefined, 2)} />
      </details>
    </>
  )
}
