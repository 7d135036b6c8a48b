import type { Completes, Flag, Leaf, Surface } from './surface.ts'

export function fishScript({ verbs, groups, leaves, models }: Surface): string {
  const lines = [
    ...verbs.map(({ name, says }) => `complete -c boxlet -n __boxlet_first -a ${name} -d ${quoted(says)}`),
    ...verbs.map(({ name }) => `complete -c boxlet -n '__boxlet_is_next help' -a ${name}`),
    ...[...groups].flatMap(([group, words]) =>
      words.map(
        ({ name, says }) => `complete -c boxlet -n '__boxlet_is_next ${group}' -a ${name} -d ${quoted(says)}`,
      ),
    ),
    ...leaves.flatMap((leaf) => [
      ...leaf.flags.flatMap((flag) => flagLines(leaf, flag, models)),
      ...inputLines(leaf, models),
    ]),
  ]
  return `# Completion of boxlet for fish: boxlet completion fish > ~/.config/fish/completions/boxlet.fish
function __boxlet_first
    test (count (commandline -opc)) -eq 1
end

# Whether the line starts with these words, and none but options follow.
function __boxlet_is_next
    set -l words (commandline -opc)
    test "$words[2..]" = "$argv"
end

# Whether the line starts with these words.
function __boxlet_at
    set -l words (commandline -opc)
    test "$words[2..$(math 1 + (count $argv))]" = "$argv"
end

complete -c boxlet -f
${lines.join('\n')}
`
}

const quoted = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`
const condition = ({ words }: Leaf): string => `-n '__boxlet_at ${words.join(' ')}'`

function flagLines(leaf: Leaf, { names, short, says, value }: Flag, models: readonly string[]): string[] {
  const argument = value === undefined ? '' : ` ${offer(value.words, value.completes, models)}`
  const letter = short === undefined ? '' : ` -s ${short.slice(1)}`
  return names.map(
    (name) =>
      `complete -c boxlet ${condition(leaf)} -l ${name.slice(2)}${letter}${argument} -d ${quoted(says)}`,
  )
}

function inputLines(leaf: Leaf, models: readonly string[]): string[] {
  if (leaf.inputs === undefined) {
    return []
  }
  const { words, completes } = leaf.inputs
  const named = completes === 'model' ? models : words
  return [
    ...(named.length > 0 ? [`complete -c boxlet ${condition(leaf)} -a ${quoted(named.join(' '))}`] : []),
    ...(completes === 'text' ? [] : [`complete -c boxlet ${condition(leaf)} -F`]),
  ]
}

function offer(words: readonly string[], completes: Completes, models: readonly string[]): string {
  if (words.length > 0) {
    return `-x -a ${quoted(words.join(' '))}`
  }
  switch (completes) {
    case 'file':
      return '-r -F'
    case 'folder':
      return "-x -a '(__fish_complete_directories)'"
    case 'model':
      return `-r -F -a ${quoted(models.join(' '))}`
    case 'text':
      return '-x'
  }
}
