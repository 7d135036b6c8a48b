import type { ConvertedCheckpoint } from './checkpoint.ts'
import type { CheckpointFacts } from './facts.ts'
import { shown } from './limits.ts'

/** What a person should know of a conversion, a sentence each. @param name of the file, as the user knows it */
export function conversionNotices(
  { facts, head, size, notices }: ConvertedCheckpoint,
  name: string,
): string[] {
  const picture = `pictures of ${size.height} by ${size.width} pixels`
  const rows =
    head.oneToOne === undefined
      ? ''
      : `, ${head.oneToOne ? 'one-to-one' : 'one-to-many'} head (--end2end and --no-end2end choose)`
  const metrics = metricsText(facts.metrics)
  return [
    `"${name}" became ONNX: ${networkText(facts)}, ${head.classes} classes, ${picture}${rows}.`,
    ...notices,
    ...(facts.names !== undefined && facts.names.length !== head.classes
      ? [
          `The checkpoint names ${facts.names.length} classes and finds ${head.classes}; its names are left out.`,
        ]
      : []),
    ...(metrics === ''
      ? []
      : [
          `The training noted ${metrics}; "boxlet eval ${name} --data DATA" with its validation set should give the same.`,
        ]),
  ]
}

/** `DetectionModel of version 8.4.190, trained 2026-11-30`. */
export function networkText({ network, version, date }: CheckpointFacts): string {
  const made = version === undefined ? '' : ` of version ${shown(version)}`
  const when = date === undefined ? '' : `, trained ${shown(date.slice(0, 10))}`
  return `${shown(network.slice(network.lastIndexOf('.') + 1))}${made}${when}`
}

/** Figures that people compare, by the names that trainers use. */
const SHOWN_METRICS = /(?:mAP50(?:-95)?\([BMP]\)|accuracy_top[15])$/

export const metricsText = (metrics: CheckpointFacts['metrics']): string =>
  Object.entries(metrics)
    .filter(([key]) => SHOWN_METRICS.test(key))
    .map(([key, value]) => `${shown(key.replace(/^metrics\//, ''))} ${value.toFixed(3)}`)
    .join(', ')
