import { readFile } from 'node:fs/promises'
import { BoxletError, type ErrorCode, toBoxletError } from '../errors.ts'
import { checkSettings } from './kit/check-settings.ts'
import { tellStack } from './kit/debug.ts'
import { didYouMean } from './kit/suggest.ts'
import type { ExitCode, Io, Verb } from './kit/verb.ts'

/** Loaded on demand, so that no verb pays for another's imports. */
export const VERBS: Record<string, () => Promise<{ verb: Verb }>> = {
  detect: () => import('./detect/detect.ts'),
  convert: () => import('./convert.ts'),
  dataset: () => import('./dataset/dataset.ts'),
  diff: () => import('./diff/diff.ts'),
  eval: () => import('./eval/eval.ts'),
  model: () => import('./model/model.ts'),
  serve: () => import('./serve.ts'),
  keys: () => import('./keys.ts'),
  package: () => import('./package/package.ts'),
  invoke: () => import('./invoke.ts'),
  template: () => import('./template.ts'),
  deploy: () => import('./deploy/deploy.ts'),
  status: () => import('./deploy/status.ts'),
  logs: () => import('./deploy/logs.ts'),
  destroy: () => import('./deploy/destroy.ts'),
  cost: () => import('./cost.ts'),
  tune: () => import('./tune/tune.ts'),
}

/** Faults of the call although their kind is `input`: labels and contracts are named or written by the caller. */
const CALL_FAULTS: readonly ErrorCode[] = ['CONTRACT_INVALID', 'LABELS_INVALID']

export async function main(args: string[], io: Io): Promise<ExitCode> {
  try {
    return await dispatch(args, io)
  } catch (error) {
    const known = toBoxletError(error)
    io.stderr.write(
      `boxlet: ${known.message}${known.hint === undefined ? '' : ` ${known.hint}`} [${known.code}]\n`,
    )
    tellStack(known, io)
    return known.kind === 'usage' || CALL_FAULTS.includes(known.code) ? 2 : 3
  }
}

async function dispatch(args: string[], io: Io): Promise<ExitCode> {
  const [name, ...rest] = args
  if (name === '--version' || name === '-V' || name === 'version') {
    io.stdout.write(`${await version()}\n`)
    return 0
  }
  const isHelp = name === 'help' || name === '--help' || name === '-h'
  if (name === undefined || (isHelp && rest.length === 0)) {
    io.stdout.write(await overview())
    return name === undefined ? 2 : 0
  }
  const verb = await verbNamed(isHelp ? rest[0]! : name)
  if (isHelp || rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(verb.help)
    return 0
  }
  await checkSettings(verb, allVerbs, io)
  return verb.run(rest, io)
}

async function verbNamed(name: string): Promise<Verb> {
  if (Object.hasOwn(VERBS, name)) {
    return (await VERBS[name]!()).verb
  }
  throw new BoxletError('USAGE', `Expected a verb but received "${name}".`, {
    hint: `${await didYouMean(name, Object.keys(VERBS))}Run "boxlet help" for the list.`,
  })
}

const allVerbs = (): Promise<Verb[]> =>
  Promise.all(Object.values(VERBS).map(async (load) => (await load()).verb))

async function overview(): Promise<string> {
  const verbs = await allVerbs()
  const width = Math.max(0, ...verbs.map((verb) => verb.name.length))
  const lines = verbs.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`)
  return `boxlet VERB [options]\n\n${lines.join('\n')}\n\nboxlet VERB --help tells more; boxlet --version tells the version.\n`
}

async function version(): Promise<string> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
