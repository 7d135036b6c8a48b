import type { Dialect } from './dialect.ts'
import type { LabelStudioSettings } from './label-studio/label-studio.ts'

interface Offer {
  /** Whose clients they are, as a fragment for help. */
  says: string
  load(settings: DialectSettings): Promise<Dialect>
}

export interface DialectSettings {
  labelStudio?: LabelStudioSettings
}

/** The dialects that are off until they are asked for: some of their paths are names that anything could have. */
export const DIALECTS = {
  cvat: {
    says: 'CVAT, as the nuclio dashboard that it asks for automatic annotation',
    load: async () => (await import('./cvat/cvat.ts')).cvat,
  },
  deepstack: {
    says: 'DeepStack and CodeProject.AI',
    load: async () => (await import('./deepstack/deepstack.ts')).deepstack,
  },
  'label-studio': {
    says: 'Label Studio, as its ML backend',
    load: async ({ labelStudio = {} }) =>
      (await import('./label-studio/label-studio.ts')).labelStudio(labelStudio),
  },
  roboflow: {
    says: 'Roboflow Inference',
    load: async () => (await import('./roboflow/roboflow.ts')).roboflow,
  },
} as const satisfies Record<string, Offer>

export type DialectName = keyof typeof DIALECTS

export const loadDialects = (
  names: Iterable<DialectName>,
  settings: DialectSettings = {},
): Promise<Dialect[]> => Promise.all([...new Set(names)].map((name) => DIALECTS[name].load(settings)))
