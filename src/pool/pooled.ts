import { Detector as OneDetector } from '../detector/detector.ts'
import { DetectorPool, type DetectorPoolOptions } from './detector-pool.ts'

/**
 * A model that finds objects in pictures.
 *
 * ```ts
 * await using detector = await Detector.load('yolov8n')
 * const { detections } = await detector.detect(await readFile('photo.jpg'))
 * ```
 *
 * Calls may overlap: decoding of one picture then runs beside the model run of another. The run itself holds
 * the thread; `Detector.pool` puts it into worker threads.
 */
export class Detector extends OneDetector {
  /**
   * Opens a model in several worker threads.
   *
   * ```ts
   * const pool = await Detector.pool('yolov8n', { workers: 4 })
   * const results = await Promise.all(photos.map((bytes) => pool.detect(bytes)))
   * await pool.close()
   * ```
   *
   * @param model name in the catalogue, or path of an ONNX or TFLite file
   * @throws BoxletError as `load`
   */
  static pool(model: string, options: DetectorPoolOptions = {}): Promise<DetectorPool> {
    return DetectorPool.open(model, options)
  }
}
