import type { Command, Option } from 'commander'
import { UsageError } from '../exit.ts'

export default (program: Command) =>
  program
    .command('completion')
    .argument('<shell>', 'bash, zsh or fish')
    .description('print a script that completes commands and options')
    .addHelpText(
      'after',
      `
  bash  eval "$(ledger completion bash)"            in ~/.bashrc
  zsh   eval "$(ledger completion zsh)"             in ~/.zshrc, after compinit
  fish  ledger completion fish | source             in ~/.config/fish/config.fish`,
    )
    .action((shell: string) => {
      const script = { bash, zsh, fish }[shell]
      if (!script) throw new UsageError(`there is no completion for ${shell}: bash, zsh or fish`)
      console.log(script(wordsOf(program)))
    })

/** What may follow `ledger`, `ledger list`, `ledger sweep submit` …: by the commands so far, '' for none. */
function wordsOf(program: Command): Map<string, string[]> {
  const found = new Map<string, string[]>()
  const globals = program.options.flatMap(flags)
  const visit = (command: Command, at: string) => {
    const own = command.options.flatMap(flags)
    const commands = command.commands.map(sub => sub.name())
    found.set(at, [...commands, ...new Set([...own, ...globals, '--help'])])
    for (const sub of command.commands) visit(sub, at === '' ? sub.name() : `${at} ${sub.name()}`)
  }
  visit(program, '')
  return found
}

const flags = ({ long, short }: Option) => [long ?? short ?? ''].filter(flag => flag !== '')

/** The words of a line so far that are commands, and a case for each: the same in bash and zsh. */
const cases = (words: Map<string, string[]>) =>
  [...words].map(([at, next]) => `    "${at}") next="${next.join(' ')}" ;;`).join('\n')

/** Follows the commands of the line so far, given as a slice of an array of the shell, to `$next`: what may come now. */
const follow = (words: Map<string, string[]>, line: string) => `  local at="" next="" word
  for word in "\${${line}}"; do
    case " ${[...words.keys()].filter(at => at !== '').join(' | ')} " in
      *" \${at:+$at }$word "*) at="\${at:+$at }$word" ;;
    esac
  done
  case "$at" in
${cases(words)}
  esac`

const bash = (words: Map<string, string[]>) => `_ledger() {
${follow(words, 'COMP_WORDS[@]:1:COMP_CWORD-1')}
  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _ledger ledger`

const zsh = (words: Map<string, string[]>) => `_ledger() {
${follow(words, 'words[@]:1:CURRENT-2')}
  compadd -- \${=next}
  _files
}
compdef _ledger ledger`

const fish = (words: Map<string, string[]>) =>
  [...words]
    .map(([at, next]) => {
      const given = at.split(' ').filter(word => word !== '')
      const condition =
        given.length === 0
          ? '__fish_use_subcommand'
          : given.map(word => `__fish_seen_subcommand_from ${word}`).join('; and ')
      return `complete -c ledger -n '${condition}' -a '${next.join(' ')}'`
    })
    .join('\n')
