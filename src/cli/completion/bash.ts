import type { Completes, Flag, Leaf, Surface } from './surface.ts'

/**
 * Works in bash 3.2 too, which macOS has. An empty answer lets readline complete file names, so that files and
 * folders need no words of their own.
 */
export function bashScript({ verbs, groups, leaves, models }: Surface): string {
  const groupCases = [...groups].map(
    ([group, words]) => `    ${group})
      if [[ $COMP_CWORD -eq 2 ]]; then
        _boxlet_words "${words.map(({ name }) => name).join(' ')}"
        return
      fi
      key="$key \${COMP_WORDS[2]}"
      ;;`,
  )
  const values = leaves.flatMap((leaf) => leaf.flags.flatMap((flag) => valueCases(leaf, flag, models)))
  const flags = leaves.map(
    (leaf) => `        "${keyOf(leaf)}") _boxlet_words "${leaf.flags.flatMap(formsOf).join(' ')}" ;;`,
  )
  const inputs = leaves
    .filter((leaf) => leaf.inputs !== undefined)
    .map((leaf) => {
      const words = offered(leaf.inputs!.words, leaf.inputs!.completes, models)
      return `    "${keyOf(leaf)}") ${words === '' ? 'return' : `_boxlet_words "${words}"`} ;;`
    })
  return `# Completion of boxlet for bash. In ~/.bashrc: source <(boxlet completion bash)
_boxlet_words() {
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

_boxlet() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}" key
  COMPREPLY=()
  # --flag=value comes as three words.
  if [[ $cur == '=' ]]; then
    cur=''
  elif [[ $prev == '=' ]]; then
    prev="\${COMP_WORDS[COMP_CWORD - 2]}"
  fi
  if [[ $COMP_CWORD -eq 1 ]]; then
    _boxlet_words "${verbs.map(({ name }) => name).join(' ')} --help --version"
    return
  fi
  key="\${COMP_WORDS[1]}"
  case "$key" in
    help)
      _boxlet_words "${verbs.map(({ name }) => name).join(' ')}"
      return
      ;;
${groupCases.join('\n')}
  esac
  case "$key $prev" in
${values.join('\n')}
  esac
  case "$cur" in
    -*)
      case "$key" in
${flags.join('\n')}
      esac
      return
      ;;
  esac
  case "$key" in
${inputs.join('\n')}
  esac
}

complete -o default -o bashdefault -F _boxlet boxlet
`
}

const keyOf = ({ words }: Leaf): string => words.join(' ')
const formsOf = ({ names, short }: Flag): string[] => (short === undefined ? names : [...names, short])

function valueCases(leaf: Leaf, flag: Flag, models: readonly string[]): string[] {
  if (flag.value === undefined) {
    return []
  }
  const words = offered(flag.value.words, flag.value.completes, models)
  const patterns = formsOf(flag).map((form) => `"${keyOf(leaf)} ${form}"`)
  return [
    `    ${patterns.join(' | ')})
      ${words === '' ? ':' : `_boxlet_words "${words}"`}
      return
      ;;`,
  ]
}

const offered = (words: readonly string[], completes: Completes, models: readonly string[]): string =>
  (completes === 'model' ? models : words).join(' ')
