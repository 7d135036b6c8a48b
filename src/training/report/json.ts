import { jsonReport } from '../../evaluate/report/json.ts'
import type { TaughtFacts } from './facts.ts'

/** The form of `--format json` and of the report's JSON; documented in docs/teach.md. */
export function taughtJson({ measured, ...facts }: TaughtFacts): Record<string, unknown> {
  return {
    version: 1,
    ...facts,
    curve: facts.curve ?? null,
    measured:
      measured === undefined
        ? null
        : { part: measured.part, interval: measured.interval, ...jsonReport(measured.evaluation) },
  }
}
