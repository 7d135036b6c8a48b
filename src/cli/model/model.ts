import { VARIABLES } from '../kit/variables.ts'
import type { VerbGroup } from '../kit/verb.ts'

export const verb: VerbGroup = {
  name: 'model',
  summary: 'List, fetch, inspect and remove models.',
  about: `Models of the catalogue, by name, and your own files. docs/models.md tells which model to choose and what
    the licences mean.

    BOXLET_CACHE: ${VARIABLES.BOXLET_CACHE}. BOXLET_CATALOGUE: ${VARIABLES.BOXLET_CATALOGUE}. BOXLET_OFFLINE:
    ${VARIABLES.BOXLET_OFFLINE}.`,
  verbs: {
    list: () => import('./list.ts'),
    pull: () => import('./pull.ts'),
    remove: () => import('./remove.ts'),
    inspect: () => import('./inspect.ts'),
    contract: () => import('./contract.ts'),
    doctor: () => import('./doctor.ts'),
  },
  examples: [
    'boxlet model list',
    'boxlet model pull yolov8n',
    'boxlet model inspect fridge.onnx',
    'boxlet model contract fridge.onnx --out fridge.contract.json',
    'boxlet model doctor fridge.onnx --image photo.jpg --write contract.json',
    'BOXLET_CACHE=./models boxlet model pull deimv2-atto',
  ],
}
