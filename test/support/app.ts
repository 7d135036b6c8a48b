import { type App, createApp } from '../../src/api/app.ts'
import type { AppOptions, RequestRecord } from '../../src/api/options.ts'
import { Detector } from '../../src/detector/detector.ts'
import type { Detectors } from '../../src/detector/detectors.ts'
import type { DetectorLike } from '../../src/detector/types.ts'
import { streetModel } from './street.ts'

/** Detectors around one that is loaded already, as inside Lambda; raw tensors run on the model as it is. */
export function singleDetector(detector: DetectorLike, raw?: Detector, name = 'tiny'): Detectors {
  return {
    names: [name],
    defaultName: name,
    ready: () => true,
    get: async () => detector,
    ...(raw && { raw: async () => ({ ...raw.tensors, infer: (feeds) => raw.infer(feeds) }) }),
  }
}

export interface TestApp {
  app: App
  records: RequestRecord[]
  /** Sends a request without a socket. */
  send(path: string, init?: RequestInit): Promise<Response>
}

export function testApp(detectors: Detectors, options: Partial<AppOptions> = {}): TestApp {
  const records: RequestRecord[] = []
  const app = createApp({
    detectors,
    observer: { request: (record) => void records.push(record) },
    ...options,
  })
  return { app, records, send: (path, init) => app.fetch(new Request(`http://127.0.0.1${path}`, init)) }
}

/** A small model that finds a bus and people of the 80 classes of COCO. */
export const loadTestDetector = (options: { asIs?: boolean } = {}): Promise<Detector> =>
  Detector.load(streetModel(), { threads: 1, ...options })
