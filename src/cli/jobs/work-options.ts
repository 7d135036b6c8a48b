import { readFile } from 'node:fs/promises'
import { BoxletError } from '../../errors.ts'
import { JOB_DEFAULTS } from '../../jobs/defaults.ts'
import { parsePolicy } from '../../jobs/rules.ts'
import type { JobSettings, UrlMode } from '../../server/service-options.ts'
import { defined } from '../../system/defined.ts'
import type { Options, Settings } from '../kit/option-spec.ts'
import { openStore, STORE_OPTION } from './open-store.ts'

/** Options of every verb that works on jobs in this process. */
export const WORK_OPTIONS = {
  ...STORE_OPTION,
  urls: {
    type: 'string',
    says: 'addresses of pictures that are fetched, and of webhooks',
    group: 'Jobs',
    value: 'MODE',
    choices: {
      off: 'none',
      https: 'public https addresses',
      any: 'also plain http and private networks; only for callers that you trust',
    } satisfies Record<UrlMode, string>,
    default: 'https',
  },
  policy: {
    type: 'string',
    says: 'rules that flag pictures: lists deny and review of labels and scores, as YAML or JSON',
    group: 'Jobs',
    value: 'FILE',
    completes: 'file',
  },
  'uncertain-band': {
    type: 'string',
    says: 'keep pictures with a score in this band, ready for labelling',
    group: 'Jobs',
    value: 'LOW-HIGH',
    otherwise: 'none is kept',
  },
  'webhook-secret': {
    type: 'string',
    says: 'key that signs webhooks, better given as an environment variable',
    group: 'Jobs',
    value: 'TEXT',
    otherwise: 'that of the job, if it has one',
  },
  lease: {
    type: 'number',
    says: 'seconds after which others take over the pictures of a worker that was killed',
    group: 'Jobs',
    value: 'S',
    min: 1,
    max: 3600,
    default: JOB_DEFAULTS.leaseMs / 1000,
  },
} as const satisfies Options

export type WorkValues = Partial<Settings<typeof WORK_OPTIONS>>

/** @throws BoxletError CONFIG_INVALID, USAGE */
export async function jobSettings(
  values: WorkValues,
  env: Readonly<Record<string, string | undefined>>,
): Promise<JobSettings> {
  const { policy, 'uncertain-band': band, 'webhook-secret': webhookSecret } = values
  return {
    open: () => openStore(values, env),
    ...defined({
      policy: policy === undefined ? undefined : await readPolicy(policy),
      uncertainBand: band === undefined ? undefined : readBand(band),
      webhookSecret,
      leaseMs: values.lease === undefined ? undefined : values.lease * 1000,
    }),
  }
}

/** @throws BoxletError CONFIG_INVALID, USAGE */
export async function readPolicy(path: string): Promise<NonNullable<JobSettings['policy']>> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (cause) {
    throw new BoxletError('USAGE', `Expected a policy file but "${path}" cannot be read.`, { cause })
  }
  return parsePolicy(text)
}

function readBand(text: string): readonly [number, number] {
  const match = /^(\d*\.?\d+)-(\d*\.?\d+)$/.exec(text)
  const [low, high] = [Number(match?.[1]), Number(match?.[2])]
  if (!(low >= 0 && low < high && high <= 1)) {
    throw new BoxletError(
      'USAGE',
      `Expected two scores such as 0.35-0.55 for --uncertain-band but received "${text}".`,
    )
  }
  return [low, high]
}
