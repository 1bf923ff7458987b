# Prints what zsh would offer for the command lines that follow a directory with
# completions: "<begin>" for each, then a candidate a line, each after "candidate ".
# It runs a second, interactive zsh on a terminal, which asks as soon as it edits a line.
if [[ $1 != inside ]]; then
	zmodload zsh/zpty
	zpty shell zsh -f -i
	zpty -w shell "source ${(q)0:A} inside ${(q)@}"
	while zpty -r shell line; do
		print -r -- $line
		[[ $line == *finished* ]] && break
	done
	zpty -d shell
	exit
fi

fpath=($2 $fpath)
lines=("${@[3,-1]}")
autoload -Uz compinit && compinit -u -D
# compadd is where all candidates pass; with -O, -A or -D it only filters
compadd() {
	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return; fi
	local -a offered
	builtin compadd -A offered "$@"
	(( $#offered )) && print -rl -- "candidate "$^offered
	builtin compadd "$@"
}
zle-line-init() {
	local line
	for line in $lines; do
		print "\n<begin>"
		BUFFER=$line CURSOR=$#line
		zle complete-word
	done
	print -r -- finished
	exit
}
zle -N zle-line-init
