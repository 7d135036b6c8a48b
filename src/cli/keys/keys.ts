import type { VerbGroup } from '../kit/verb.ts'

export const verb: VerbGroup = {
  name: 'keys',
  summary: 'Create, list and revoke the keys of the service.',
  verbs: {
    create: () => import('./create.ts'),
    list: () => import('./list.ts'),
    revoke: () => import('./revoke.ts'),
  },
  examples: [
    'boxlet keys create --name laptop',
    'boxlet keys create --aws --name "photo importer"',
    'boxlet keys revoke 3f0c9a',
  ],
}
