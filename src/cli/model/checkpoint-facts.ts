import { stat } from 'node:fs/promises'
import { readCheckpoint } from '../../checkpoint/checkpoint.ts'
import type { CheckpointFacts } from '../../checkpoint/facts.ts'
import { isCheckpoint } from '../../checkpoint/kind.ts'
import { shown } from '../../checkpoint/limits.ts'
import { metricsText, networkText } from '../../checkpoint/say.ts'
import { openSource } from '../../checkpoint/source.ts'

/** What a checkpoint says about itself; undefined for other files, and for names of the catalogue. */
export async function checkpointFacts(path: string): Promise<CheckpointFacts | undefined> {
  const info = await stat(path).catch(() => undefined)
  if (!info?.isFile()) {
    return undefined
  }
  const { source, close } = openSource(path)
  try {
    return isCheckpoint(source.read(0, 16)) ? readCheckpoint(source) : undefined
  } finally {
    close()
  }
}

/** Rows of what was trained, and how. */
export function checkpointRows(facts: CheckpointFacts): string[][] {
  const { names, imageSize, metrics, licence, data, epochs, task } = facts
  const rows: [string, string | undefined][] = [
    ['network', networkText(facts)],
    ['task', task],
    ['classes', names === undefined ? 'not named' : `${names.length}: ${names.join(', ')}`],
    [
      'picture',
      imageSize === undefined ? 'size not stated' : `${imageSize.height} by ${imageSize.width} pixels`,
    ],
    ['data', data],
    ['epochs', epochs?.toString()],
    ['measured', metricsText(metrics) || undefined],
    ['licence', licence ?? 'not stated in the file'],
  ]
  return rows.flatMap(([name, value]) => (value === undefined ? [] : [[name, shown(value)]]))
}
