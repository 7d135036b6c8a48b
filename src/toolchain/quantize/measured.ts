import { createHash } from 'node:crypto'
import type { Dataset } from '../../datasets/dataset.ts'
import { engineFingerprint } from '../../evaluate/engine-fingerprint.ts'
import { checkLabels, divide, openData } from '../measure/data.ts'
import type { ModelSource } from '../source.ts'
import { refuseQuantized } from './given.ts'
import { type Quantized, quantizeModel } from './quantize.ts'
import { CalibrationState } from './state.ts'

export interface MeasuredOptions {
  /** Pictures to take ranges from, and to compare on. */
  calibrate: number
  compare: number
  split?: string
  /** Folder in which calibration is kept until it is done. */
  cache: string
  /** Whether to leave what was kept. */
  isFresh?: boolean
  signal?: AbortSignal | undefined
  onNotice?: (text: string) => void
  onProgress?: (done: number, total: number, stage: string) => void
}

export interface MeasuredQuantization extends Quantized {
  /** What files were compared on. */
  evaluation: Dataset
}

/**
 * Quantizes on the pictures at a path, and goes on where an earlier call was stopped.
 *
 * @throws BoxletError as `openData` and `quantizeModel`
 */
export async function quantizeMeasured(
  source: ModelSource,
  data: string,
  options: MeasuredOptions,
): Promise<MeasuredQuantization> {
  const { calibrate, compare, split, signal, cache } = options
  const dataset = await openData(data, { split, signal })
  checkLabels(dataset, source.contract.labels)
  await refuseQuantized(source, dataset, signal)
  const { calibration, evaluation, isApart } = divide(dataset, calibrate, compare)
  if (!isApart) {
    options.onNotice?.(
      'there is one picture only, so that files are compared on the one that was calibrated on',
    )
  } else if (calibration.length < calibrate) {
    options.onNotice?.(
      `there are ${dataset.images.length} pictures: ${calibration.length} are calibrated on, ${evaluation.images.length} compared on`,
    )
  }
  const hash = createHash('sha256')
    .update(source.bytes)
    .update(await engineFingerprint())
  for (const { path, width, height } of calibration) {
    hash.update(`${path} ${width} ${height}\n`)
  }
  const state = new CalibrationState(cache, hash.digest('hex').slice(0, 24))
  if (options.isFresh === true) {
    await state.remove()
  }
  const result = await quantizeModel(source, {
    calibration,
    evaluation,
    state,
    signal,
    ...(options.onProgress === undefined ? {} : { onProgress: options.onProgress }),
  })
  await state.remove()
  return { ...result, evaluation }
}
