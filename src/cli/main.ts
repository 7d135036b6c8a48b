import { readFile } from 'node:fs/promises'
import { BoxletError, type ErrorCode, toBoxletError } from '../errors.ts'
import { readCall } from './kit/call.ts'
import { checkSettings } from './kit/check-settings.ts'
import { tellStack } from './kit/debug.ts'
import { errorText } from './kit/error-text.ts'
import { fewFiles } from './kit/few-files.ts'
import { refuseGroup, verbNamed } from './kit/find-verb.ts'
import { guarded } from './kit/terminal.ts'
import {
  type AnyVerb,
  type ExitCode,
  type Io,
  isGroup,
  type LoadAnyVerb,
  leavesOf,
  type Verb,
} from './kit/verb.ts'

/** In the order of help. Loaded on demand, so that no verb pays for another's imports. */
export const VERBS: Readonly<Record<string, LoadAnyVerb>> = {
  detect: () => import('./detect/detect.ts'),
  convert: () => import('./convert/convert.ts'),
  simplify: () => import('./simplify/simplify.ts'),
  compress: () => import('./compress/compress.ts'),
  quantize: () => import('./quantize/quantize.ts'),
  dataset: () => import('./dataset/dataset.ts'),
  diff: () => import('./diff/diff.ts'),
  eval: () => import('./eval/eval.ts'),
  prune: () => import('./prune/prune.ts'),
  bench: () => import('./bench/bench.ts'),
  model: () => import('./model/model.ts'),
  teach: () => import('./teach/teach.ts'),
  serve: () => import('./serve.ts'),
  mcp: () => import('./mcp.ts'),
  jobs: () => import('./jobs/jobs.ts'),
  watch: () => import('./watch.ts'),
  work: () => import('./work.ts'),
  keys: () => import('./keys/keys.ts'),
  package: () => import('./package/package.ts'),
  invoke: () => import('./invoke.ts'),
  template: () => import('./template.ts'),
  deploy: () => import('./deploy/deploy.ts'),
  status: () => import('./deploy/status.ts'),
  logs: () => import('./deploy/logs.ts'),
  destroy: () => import('./deploy/destroy.ts'),
  cost: () => import('./cost.ts'),
  tune: () => import('./tune/tune.ts'),
  completion: async () => ({
    verb: (await import('./completion/completion.ts')).completionOf(allVerbs),
  }),
}

/** Faults of the call although their kind is `input`: labels and contracts are named or written by the caller. */
const CALL_FAULTS: readonly ErrorCode[] = ['CONTRACT_INVALID', 'LABELS_INVALID']

export async function main(args: string[], raw: Io): Promise<ExitCode> {
  const io = guarded(raw)
  try {
    return await dispatch(args, io)
  } catch (error) {
    const known = toBoxletError(fewFiles(error instanceof BoxletError ? error.cause : error) ?? error)
    io.stderr.write(`boxlet: ${errorText(known)}\n`)
    tellStack(known, io)
    return known.kind === 'usage' || CALL_FAULTS.includes(known.code) ? 2 : 3
  }
}

async function dispatch(args: string[], io: Io): Promise<ExitCode> {
  const [first, ...others] = args
  if (first === '--version' || first === '-V' || first === '-v' || first === 'version') {
    io.stdout.write(`${await version()}\n`)
    return 0
  }
  const asksFirst = first === 'help' || isHelp(first)
  const words = asksFirst ? others : args
  if (words.length === 0) {
    const { overview } = await import('./kit/help.ts')
    io.stdout.write(overview(await allVerbs()))
    return asksFirst ? 0 : 2
  }
  const { verb, rest } = await verbNamed(words, VERBS)
  if (asksFirst || asksForHelp(rest)) {
    const { helpOf } = await import('./kit/help.ts')
    io.stdout.write(await helpOf(verb))
    return 0
  }
  if (isGroup(verb)) {
    return refuseGroup(verb, rest)
  }
  await checkSettings(verb, allLeaves, io)
  return verb.run(await readCall(verb, rest, io.env), io)
}

const isHelp = (word: string | undefined): boolean => word === '--help' || word === '-h'
/** What follows `--` are names of files. */
const asksForHelp = (args: readonly string[]): boolean =>
  args.slice(0, args.indexOf('--') === -1 ? undefined : args.indexOf('--')).some(isHelp)

export const allVerbs = (): Promise<AnyVerb[]> =>
  Promise.all(Object.values(VERBS).map(async (load) => (await load()).verb))
/** Every verb that can be run, those below another included. */
export const allLeaves = async (): Promise<Verb[]> =>
  (await Promise.all((await allVerbs()).map(leavesOf))).flat()

async function version(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
