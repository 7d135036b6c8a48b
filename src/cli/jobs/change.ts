import { FORMAT_OPTION } from '../kit/format-option.ts'
import type { Options } from '../kit/option-spec.ts'
import { type Call, defineVerb, type Io } from '../kit/verb.ts'
import { connect, WHERE_OPTIONS } from './connect.ts'
import { jobTable } from './job-text.ts'
import { openExisting } from './open-store.ts'

const OPTIONS = { ...WHERE_OPTIONS, format: FORMAT_OPTION } as const satisfies Options

/** A verb that changes each job that is named, and shows the jobs as they are then. */
export const changeVerb = (change: 'cancel' | 'retry', summary: string) =>
  defineVerb({
    name: `jobs ${change}`,
    summary,
    inputs: { usage: 'ID...', noun: 'id of a job', least: 1 },
    options: OPTIONS,
    examples: [`boxlet jobs ${change} 01kd3v2q8e7x0m4n5p6r7s8t9v`],
    async run({ values, inputs }: Call<typeof OPTIONS>, io: Io) {
      await using jobs = await connect(values, io, openExisting)
      const changed = []
      for (const id of inputs) {
        changed.push(await jobs.client[change](id))
      }
      io.stdout.write(
        values.format === 'json' ? `${JSON.stringify(changed, undefined, 2)}\n` : jobTable(changed),
      )
      return 0
    },
  })
