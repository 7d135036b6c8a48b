import type { VerbGroup } from '../kit/verb.ts'

export const verb: VerbGroup = {
  name: 'jobs',
  summary: 'Detection that does not wait: submit, follow, find and export.',
  about: `Jobs are kept in a folder of this machine, which "boxlet serve", "boxlet watch" and "boxlet work" share, in
    PostgreSQL, or by a service that --endpoint names. Nothing that was accepted is lost, whatever is killed.`,
  verbs: {
    submit: () => import('./submit.ts'),
    list: () => import('./list.ts'),
    show: () => import('./show.ts'),
    wait: () => import('./wait.ts'),
    cancel: () => import('./cancel.ts'),
    retry: () => import('./retry.ts'),
    redrive: () => import('./redrive.ts'),
    search: () => import('./search.ts'),
    export: () => import('./export.ts'),
    prune: () => import('./prune.ts'),
    backup: () => import('./backup.ts'),
    restore: () => import('./restore.ts'),
    move: () => import('./move.ts'),
  },
  examples: [
    'boxlet jobs submit photos/ --wait',
    'boxlet jobs search --label dog --min-score 0.6 --count ">=2"',
    'boxlet jobs export --label dog --format coco > dogs.json',
  ],
}
