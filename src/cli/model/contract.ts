import { BoxletError } from '../../errors.ts'
import { validateContract } from '../../model/contract-schema.ts'
import { saveFile } from '../../system/save-file.ts'
import { readSettings } from '../kit/config.ts'
import type { ExitCode, Io } from '../kit/verb.ts'
import { evidenceLines, GUESS } from './contract-lines.ts'
import { modelFacts } from './facts.ts'

const OPTIONS = { family: { type: 'string' }, out: { type: 'string', own: true, short: 'o' } } as const

/**
 * `boxlet model contract FILE|NAME [--family NAME] [--out FILE]`: the contract that the file leads to, to edit and
 * to give back with `--contract`. A contract that is stored beside the file is not read: a shell may just have
 * emptied it to take this one. What is a guess is said on standard error.
 */
export async function run(args: string[], io: Io): Promise<ExitCode> {
  const { values, positionals } = await readSettings('model', args, OPTIONS, io.env)
  const [name, ...more] = positionals
  if (name === undefined || more.length > 0) {
    throw new BoxletError(
      'USAGE',
      `Expected one file or name for "model contract" but received ${positionals.length}.`,
      {
        hint: 'Run "boxlet model --help".',
      },
    )
  }
  const facts = await modelFacts(
    name,
    io,
    values.family === undefined ? undefined : { family: values.family },
    { ignoreContract: true },
  )
  if (facts.contract === undefined) {
    throw facts.unrecognised
  }
  const contract = validateContract(facts.contract)
  const text = `${JSON.stringify(contract, undefined, 2)}\n`
  if (values.out === undefined) {
    io.stdout.write(text)
  } else {
    await saveFile(values.out, text)
  }
  const guesses =
    facts.contractFrom === 'recognised' ? facts.evidence.filter(({ confidence }) => confidence < GUESS) : []
  if (guesses.length > 0) {
    io.stderr.write(`These parts are guesses; please check them:\n${evidenceLines(guesses).join('\n')}\n`)
  }
  return 0
}
