import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boxlet } from '../../../test/support/boxlet.ts'

const isThere = (shell: string): boolean => spawnSync(shell, ['--version'], { stdio: 'ignore' }).status === 0

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'boxlet-completion-'))
  for (const shell of ['bash', 'zsh', 'fish', 'powershell']) {
    await writeFile(join(folder, shell), (await boxlet(['completion', shell])).out)
  }
  await writeFile(join(folder, 'photo.jpg'), '')
})
afterAll(() => rm(folder, { recursive: true }))

/** What the shell itself offers for a line that ends where Tab is pressed. */
const SHELLS: Record<string, (line: string) => string[]> = {
  bash: (line) => {
    const words = line.split(/ |(?==)|(?<==)/)
    const script = `source ${join(folder, 'bash')}
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
      _boxlet; printf '%s\\n' "\${COMPREPLY[@]}"`
    return lines(execFileSync('bash', ['--norc', '-c', script], { cwd: folder, encoding: 'utf8' }))
  },
  zsh: (line) => {
    // A terminal of its own is the only place where zsh completes.
    const script = `
      zmodload zsh/zpty
      zpty z zsh -f -i
      zpty -w z 'PROMPT=; cd ${folder}; autoload -Uz compinit; compinit -u -D; source ${join(folder, 'zsh')}'
      zpty -w z 'zstyle ":completion:*" list-grouped false; zstyle ":completion:*" format ""'
      zpty -w z 'compadd() { if [[ $*[(re)-O] == -O || $*[(re)-A] == -A || $*[(re)-D] == -D ]] { builtin compadd "$@" } else { local -a __hits; builtin compadd -A __hits "$@"; print -l -- "HIT:"$^__hits } }'
      zpty -w z 'show() { zle -C boxlet-list complete-word _generic; zle boxlet-list; BUFFER=; print DONE; zle accept-line }; _show() { _main_complete; print -r -- DONE; exit }; zle -C tab complete-word _show; bindkey "^I" tab'
      zpty -w z 'print READY'
      zpty -r z out '*READY*READY*'
      zpty -w -n z ${JSON.stringify(line)}$'\\t'
      zpty -r z out '*DONE*'
      print -r -- $out`
    const out = execFileSync('zsh', ['-f', '-c', script], { encoding: 'utf8', timeout: 60_000 })
    return lines(out).flatMap((text) => /HIT:(\S+)/.exec(text)?.[1] ?? [])
  },
  fish: (line) => {
    const script = `source ${join(folder, 'fish')}; complete -C ${JSON.stringify(line)}`
    const out = execFileSync('fish', ['--no-config', '-c', script], { cwd: folder, encoding: 'utf8' })
    return lines(out).map((text) => text.split('\t')[0]!)
  },
  pwsh: (line) => {
    const script = `. ([scriptblock]::Create((Get-Content -Raw ${join(folder, 'powershell')})))
      ([System.Management.Automation.CommandCompletion]::CompleteInput('${line}', ${line.length}, $null)).CompletionMatches.CompletionText`
    return lines(execFileSync('pwsh', ['-NoProfile', '-Command', script], { cwd: folder, encoding: 'utf8' }))
  },
}

const lines = (text: string): string[] =>
  text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '')

describe.each(Object.keys(SHELLS))('in %s', (shell) => {
  const offers = (line: string) => SHELLS[shell]!(line).sort()

  it.skipIf(!isThere(shell))('completes verbs, verbs below them, options and their words', () => {
    expect(offers('boxlet de')).toEqual(['deploy', 'destroy', 'detect'])
    expect(offers('boxlet model in')).toEqual(['inspect'])
    expect(offers('boxlet detect --slice-')).toEqual(['--slice-overlap', '--slice-size'])
    expect(offers('boxlet detect --format c')).toEqual(['coco', 'csv'])
    expect(offers('boxlet model doctor --anno')).toEqual(['--annotations'])
    expect(offers('boxlet deploy --no-s')).toEqual(['--no-smoke', '--no-streaming'])
    expect(offers('boxlet completion z')).toEqual(['zsh'])
    expect(offers('boxlet help tu')).toEqual(['tune'])
  })
  it.skipIf(!isThere(shell))('completes names of the catalogue', () => {
    expect(offers('boxlet detect --model yolov8')).toEqual(['yolov8m', 'yolov8n', 'yolov8s'])
    expect(offers('boxlet model pull yolov8')).toEqual(['yolov8m', 'yolov8n', 'yolov8s'])
  })
})

it('is refused for another shell, with those that there are', async () => {
  expect(await boxlet(['completion', 'tcsh'])).toMatchObject({
    code: 2,
    err: expect.stringContaining('bash, zsh, fish, powershell'),
  })
})
