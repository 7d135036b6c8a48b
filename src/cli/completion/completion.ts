import { catalogueNames } from '../../store/catalogue.ts'
import { type AnyVerb, defineVerb, type Verb } from '../kit/verb.ts'
import { type Surface, surfaceOf } from './surface.ts'

const SCRIPTS: Record<string, () => Promise<(surface: Surface) => string>> = {
  bash: async () => (await import('./bash.ts')).bashScript,
  zsh: async () => (await import('./zsh.ts')).zshScript,
  fish: async () => (await import('./fish.ts')).fishScript,
  powershell: async () => (await import('./powershell.ts')).powershellScript,
}

/** @param allVerbs of the command line, this one among them */
export const completionOf = (allVerbs: () => Promise<AnyVerb[]>): Verb =>
  defineVerb({
    name: 'completion',
    summary: 'Print the completion script for a shell.',
    about: `Prints a script that completes verbs, options, their words, and names of the catalogue. SHELL is bash, zsh,
    fish or powershell.`,
    inputs: {
      usage: 'SHELL',
      noun: 'shell',
      least: 1,
      most: 1,
      hint: `Its scripts are for ${Object.keys(SCRIPTS).join(', ')}.`,
      choices: Object.keys(SCRIPTS),
    },
    options: {},
    examples: [
      'source <(boxlet completion bash)   # in ~/.bashrc',
      'source <(boxlet completion zsh)    # in ~/.zshrc, after compinit',
      'boxlet completion fish > ~/.config/fish/completions/boxlet.fish',
      'boxlet completion powershell | Out-String | Invoke-Expression   # in $PROFILE',
    ],
    alsoKnownAs: ['completions'],
    async run({ inputs }, io) {
      const surface = await surfaceOf(await allVerbs(), await catalogueNames(io.env))
      const script = await SCRIPTS[inputs[0]!]!()
      io.stdout.write(script(surface))
      return 0
    },
  })
