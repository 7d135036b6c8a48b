import { toBoxletError } from '../errors.ts'
import type { ExitCode, Io, Verb } from './verb.ts'

/** Loaded on demand, so that no verb pays for another's imports. */
const VERBS: Record<string, () => Promise<{ verb: Verb }>> = {
  detect: () => import('./detect.ts'),
  convert: () => import('./convert.ts'),
  dataset: () => import('./dataset.ts'),
  diff: () => import('./diff.ts'),
  eval: () => import('./eval.ts'),
  model: () => import('./model.ts'),
  serve: () => import('./serve.ts'),
  keys: () => import('./keys.ts'),
  package: () => import('./package.ts'),
  invoke: () => import('./invoke.ts'),
  template: () => import('./template.ts'),
  deploy: () => import('./deploy.ts'),
  status: () => import('./status.ts'),
  logs: () => import('./logs.ts'),
  destroy: () => import('./destroy.ts'),
  cost: () => import('./cost.ts'),
  tune: () => import('./tune.ts'),
}

export async function main(args: string[], io: Io): Promise<ExitCode> {
  try {
    return await dispatch(args, io)
  } catch (error) {
    const known = toBoxletError(error)
    io.stderr.write(
      `boxlet: ${known.message}${known.hint === undefined ? '' : ` ${known.hint}`} [${known.code}]\n`,
    )
    if (known.code === 'INTERNAL' && io.env.BOXLET_DEBUG)
      io.stderr.write(`${String((known.cause as Error)?.stack)}\n`)
    return known.kind === 'usage' ? 2 : 3
  }
}

async function dispatch(args: string[], io: Io): Promise<ExitCode> {
  const [name, ...rest] = args
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    io.stdout.write(await overview())
    return name === undefined ? 2 : 0
  }
  const load = VERBS[name]
  if (load === undefined) {
    io.stderr.write(
      `boxlet: Expected a verb but received "${name}". Run "boxlet help" for the list. [USAGE]\n`,
    )
    return 2
  }
  const { verb } = await load()
  if (rest.includes('--help') || rest.includes('-h')) {
    io.stdout.write(verb.help)
    return 0
  }
  return verb.run(rest, io)
}

async function overview(): Promise<string> {
  const verbs = await Promise.all(Object.values(VERBS).map(async (load) => (await load()).verb))
  const width = Math.max(0, ...verbs.map((verb) => verb.name.length))
  const lines = verbs.map((verb) => `  ${verb.name.padEnd(width)}  ${verb.summary}`)
  return `boxlet VERB [options]\n\n${lines.join('\n')}\n\nboxlet VERB --help tells more.\n`
}
