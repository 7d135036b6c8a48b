import { defaultThreads } from '../../runtime/processors.ts'
import { defined } from '../../system/defined.ts'
import { saveFile } from '../../system/save-file.ts'
import type { Checked } from '../../training/data/check.ts'
import type { Taught, TeachEvent } from '../../training/job.ts'
import type { BaseFile } from '../../training/model/base.ts'
import type { Settings } from '../../training/plan.ts'
import { teach } from '../../training/teach.ts'
import type { Io } from '../kit/verb.ts'
import type { TeachValues } from './options.ts'

/** What all runs of one call have in common. */
export interface TeachCall {
  path: string
  out: string
  /** `out` without its ending: files beside it start with this. */
  stem: string
  values: TeachValues
  base: BaseFile
  set: Checked
  io: Io
}

/** One run; undefined when only the first inputs were asked for. */
export async function once(
  { base, values, io }: TeachCall,
  { division, labels }: Checked,
  stem: string,
  onEvent: (event: TeachEvent) => Promise<void>,
): Promise<Taught | undefined> {
  const stop = new AbortController()
  try {
    return await teach({
      base,
      labels,
      train: division.train,
      val: division.val,
      settings: settingsOf(values, labels),
      stem,
      resume: values.resume === true,
      signal: AbortSignal.any([io.signal, stop.signal]),
      async onEvent(event) {
        if (event.kind === 'planned' && values.preview) {
          const { previewPage } = await import('../../training/report/preview.ts')
          const { recipe, pictures, format } = event
          await saveFile(`${stem}.preview.html`, await previewPage(recipe, pictures, format, labels))
          io.stderr.write(`boxlet: the first inputs are drawn in ${stem}.preview.html\n`)
          stop.abort()
          return
        }
        await onEvent(event)
      },
    })
  } catch (error) {
    if (stop.signal.aborted && !io.signal.aborted) {
      return undefined
    }
    throw error
  }
}

function settingsOf(values: TeachValues, labels: readonly string[]): Settings {
  const { size, epochs, minutes, learn, rate, batch, mosaic } = values
  return {
    seed: values.seed,
    quick: values.quick === true,
    workers: values.workers ?? defaultThreads(),
    mirror: values.mirror ?? !labels.some(tellsSides),
    ...defined({ size, epochs, minutes, learn, rate, batch, mosaic }),
  }
}

/** A mirrored left hand is a right one. */
const tellsSides = (label: string): boolean => /(?:^|[\s_-])(?:left|right)(?:$|[\s_-])/i.test(label)
