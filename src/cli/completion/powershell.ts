import type { Completes, Flag, Leaf, Surface } from './surface.ts'

export function powershellScript({ verbs, groups, leaves, models }: Surface): string {
  const groupRows = [...groups].map(([group, words]) => `    ${quoted(group)} = ${hashtable(words)}`)
  const leafRows = leaves.map((leaf) => leafRow(leaf, models))
  return `# Completion of boxlet for PowerShell. In $PROFILE: boxlet completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName boxlet -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $verbs = ${hashtable(verbs)}
  $groups = @{
${groupRows.join('\n')}
  }
  $leaves = @{
${leafRows.join('\n')}
  }
  # Words before the one that is completed.
  $words = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
  $offer = {
    param($table)
    $table.GetEnumerator() | Where-Object { $_.Key -like "$wordToComplete*" } | Sort-Object Key | ForEach-Object {
      [System.Management.Automation.CompletionResult]::new($_.Key, $_.Key, 'ParameterValue', $_.Value)
    }
  }
  if ($words.Count -le 1 -or ($words.Count -eq 2 -and $words[1] -eq 'help')) { return & $offer $verbs }
  $key = $words[1]
  if ($groups.ContainsKey($key)) {
    if ($words.Count -eq 2) { return & $offer $groups[$key] }
    $key = "$key $($words[2])"
  }
  $leaf = $leaves[$key]
  if ($null -eq $leaf) { return }
  $value = $leaf.Values[$words[-1]]
  if ($null -ne $value) { return & $offer $value }
  # Nothing offered lets PowerShell complete file names.
  if ($leaf.Takes -ccontains $words[-1]) { return }
  if ($wordToComplete -like '-*') { return & $offer $leaf.Flags }
  return & $offer $leaf.Inputs
}
`
}

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`
const hashtable = (words: readonly { name: string; says: string }[]): string =>
  `@{ ${words.map(({ name, says }) => `${quoted(name)} = ${quoted(says)}`).join('; ')} }`

function leafRow(leaf: Leaf, models: readonly string[]): string {
  const forms = ({ names, short }: Flag) => (short === undefined ? names : [...names, short])
  const flags = leaf.flags.flatMap((flag) => flag.names.map((name) => ({ name, says: flag.says })))
  const takes = leaf.flags.filter(({ value }) => value !== undefined).flatMap(forms)
  const values = leaf.flags.flatMap((flag) => {
    const words = flag.value === undefined ? [] : offered(flag.value.words, flag.value.completes, models)
    return words.length === 0 ? [] : forms(flag).map((form) => `${quoted(form)} = ${table(words)}`)
  })
  const inputs = leaf.inputs === undefined ? [] : offered(leaf.inputs.words, leaf.inputs.completes, models)
  return `    ${quoted(leaf.words.join(' '))} = @{
      Flags = ${hashtable(flags)}
      Takes = @(${takes.map(quoted).join(', ')})
      Values = @{ ${values.join('; ')} }
      Inputs = ${table(inputs)}
    }`
}

const table = (words: readonly string[]): string =>
  hashtable(words.map((word) => ({ name: word, says: word })))
const offered = (
  words: readonly string[],
  completes: Completes,
  models: readonly string[],
): readonly string[] => (completes === 'model' ? models : words)
