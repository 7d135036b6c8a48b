import type { Contract, Evidence } from '../../model/contract.ts'
import { percent } from '../../system/words.ts'
import type { ModelFacts } from './facts.ts'

/** Below this a conclusion is a guess that the user should look at. */
export const GUESS = 0.5

/** The contract in words, and a line of evidence for each conclusion. */
export function contractLines({
  contract,
  contractFrom,
  evidence,
  alternatives,
  unrecognised,
}: ModelFacts): string[] {
  if (contract === undefined) {
    return [
      'Contract',
      `  none: ${unrecognised?.message ?? ''}`,
      ...(unrecognised?.hint ? [`  ${unrecognised.hint}`] : []),
    ]
  }
  const rivals = alternatives.map(({ family, confidence }) => `${family} ${percent(confidence, 0)}%`)
  return [
    `Contract (${contractFrom})`,
    ...summary(contract).map(([key, value]) => `  ${key.padEnd(11)}  ${value}`),
    '',
    contractFrom === 'recognised' ? 'Why' : 'What recognition would conclude, and why',
    ...evidenceLines(evidence),
    ...(rivals.length === 0 ? [] : [`  Other families that could read it: ${rivals.join(', ')}`]),
    ...(evidence.some(({ confidence }) => confidence < GUESS)
      ? ['', 'Lines with a "?" are guesses. Check them with: boxlet model doctor FILE --image PICTURE']
      : []),
  ]
}

export const evidenceLines = (evidence: readonly Evidence[]): string[] =>
  evidence.map(
    ({ about, conclusion, because, confidence }) =>
      `  ${confidence < GUESS ? '?' : ' '}${percent(confidence, 0).padStart(3)}%  ${about}: ${conclusion}, because ${because}`,
  )

function summary({
  family,
  task,
  input,
  extraInputs,
  output,
  labels,
  thresholds,
  suppression,
}: Contract): [string, string][] {
  const { geometry } = input
  const size = `${input.size.width}×${input.size.height}`
  const free = input.dynamic === undefined ? '' : `, or any multiple of ${input.dynamic.stride}`
  const plain = input.mean.every((value) => value === 0) && new Set(input.std).size === 1
  const values = plain
    ? plainValues(input.std[0])
    : `(pixel − [${input.mean.join(', ')}]) / [${input.std.join(', ')}]`
  const fit =
    geometry.fit === 'letterbox'
      ? `letterbox ${geometry.align}, padded with ${geometry.pad.join(', ')}`
      : geometry.fit
  const named = labels.filter((label) => label !== null)
  return [
    ['family', `${family}, ${task}`],
    ['input', `"${input.name}" ${input.layout} ${input.dtype}, ${size}${free}`],
    ['pixels', `${input.colour}, ${values}`],
    ['geometry', `${fit}, ${geometry.resample}`],
    ...extraInputs.map((extra): [string, string] => [
      'also',
      `"${extra.name}" ${extra.dtype}: ${extra.kind}`,
    ]),
    [
      'output',
      Object.entries(output.roles)
        .map(([role, name]) => `${role} = "${name}"`)
        .join(', '),
    ],
    [
      'boxes',
      `${output.boxCode} in ${output.boxUnits} of the ${output.frame === 'input' ? 'model input' : 'picture'}`,
    ],
    [
      'scores',
      `${output.classes} classes, activation ${output.scoreActivation}, threshold ${thresholds.score}`,
    ],
    [
      'suppression',
      suppression.kind === 'none'
        ? 'none: boxes are final'
        : `${suppression.kind} at IoU ${suppression.iou}, at most ${suppression.maxDetections}`,
    ],
    ['labels', labelText(named)],
  ]
}

const plainValues = (std: number): string => (std === 1 ? '0–255 as they are' : `pixel / ${std}`)

/** Names shown at most. */
const LABELS_SHOWN = 8

function labelText(labels: readonly string[]): string {
  if (labels.length === 0) {
    return 'none known: give them with --labels'
  }
  const shown = labels.slice(0, LABELS_SHOWN).join(', ')
  return labels.length > LABELS_SHOWN ? `${labels.length}: ${shown}, …` : `${labels.length}: ${shown}`
}
