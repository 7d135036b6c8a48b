import type { Completes, Flag, Leaf, Surface } from './surface.ts'

/** Both for a file in a folder of $fpath and for `source <(…)`. */
export function zshScript({ verbs, groups, leaves, models }: Surface): string {
  const groupCases = [...groups].map(
    ([group, words]) => `    ${group})
      if (( CURRENT == 3 )); then
        local -a below=(${described(words)})
        _describe -t verbs 'verb of ${group}' below
        return
      fi
      key="$key $words[3]"
      shift words
      (( CURRENT-- ))
      ;;`,
  )
  const cases = leaves.map((leaf) => {
    const specs = [...leaf.flags.map((flag) => flagSpec(flag, models)), ...inputSpecs(leaf, models)]
    return `    ${quoted(leaf.words.join(' '))})
      _arguments -s -S ${specs.join(' \\\n        ')}
      ;;`
  })
  return `#compdef boxlet
# Completion of boxlet for zsh. In ~/.zshrc, after compinit: source <(boxlet completion zsh)
_boxlet() {
  local key
  local -a verbs=(${described(verbs)})
  if (( CURRENT == 2 )); then
    _describe -t verbs 'verb' verbs
    return
  fi
  key=$words[2]
  case $key in
    help)
      _describe -t verbs 'verb' verbs
      return
      ;;
${groupCases.join('\n')}
  esac
  shift words
  (( CURRENT-- ))
  case $key in
${cases.join('\n')}
  esac
}

if [[ $funcstack[1] == _boxlet ]]; then
  _boxlet "$@"
else
  compdef _boxlet boxlet
fi
`
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`
/** A colon ends a part of a specification, and brackets enclose what it says. */
const escaped = (text: string): string => text.replace(/[\\:[\]]/g, '\\$&')

const described = (words: readonly { name: string; says: string }[]): string =>
  words.map(({ name, says }) => quoted(`${name}:${says.replaceAll(':', '\\:')}`)).join(' ')

function flagSpec({ names, short, says, multiple, value }: Flag, models: readonly string[]): string {
  const forms = short === undefined ? names : [...names, short]
  const sign = value === undefined ? '' : '='
  const explanation = `[${escaped(says)}]${
    value === undefined ? '' : `:${escaped(value.name)}:${action(value.words, value.completes, models)}`
  }`
  // One form excludes the others, unless it may be given again.
  const others = multiple ? '*' : `(${forms.join(' ')})`
  return forms
    .map((form) =>
      quoted(
        `${others}${form}${form.startsWith('--') ? sign : value === undefined ? '' : '+'}${explanation}`,
      ),
    )
    .join(' ')
}

function inputSpecs({ inputs }: Leaf, models: readonly string[]): string[] {
  return inputs === undefined
    ? []
    : [quoted(`*:${escaped(inputs.noun)}:${action(inputs.words, inputs.completes, models)}`)]
}

function action(words: readonly string[], completes: Completes, models: readonly string[]): string {
  if (words.length > 0) {
    return `(${words.join(' ')})`
  }
  switch (completes) {
    case 'file':
      return '_files'
    case 'folder':
      return '_files -/'
    case 'model':
      return `{compadd -- ${models.join(' ')}; _files}`
    case 'text':
      return ' '
  }
}
