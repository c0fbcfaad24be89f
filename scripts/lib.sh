# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
#
# What the scripts of the project's front share. Sourced; it only defines functions.

say() { printf '%s\n' "$*" >&2; }

# die MESSAGE [HINT]
die()
{
	say "${0##*/}: $1"
	[ $# -lt 2 ] || say "  $2"
	exit 1
}

# The user's data directory: kernels, images, sources, builds and containers live below it.
data_dir()
{
	if [ -n "${HILLOCK_HOME:-}" ]; then
		printf '%s\n' "$HILLOCK_HOME"
	elif [ -n "${XDG_DATA_HOME:-}" ]; then
		printf '%s\n' "$XDG_DATA_HOME/hillock"
	elif [ -n "${HOME:-}" ]; then
		printf '%s\n' "$HOME/.local/share/hillock"
	else
		die 'none of HILLOCK_HOME, XDG_DATA_HOME and HOME is set' \
			'say where Hillock may keep its data: HILLOCK_HOME=DIR'
	fi
}

# --- progress: a live line on a terminal, else a line every ten seconds ------------------------

# progress_begin LABEL UNIT: what is being done, and what is counted
progress_begin()
{
	progress_label=$1 progress_unit=$2
	progress_start=$(date +%s)
	progress_shown=$progress_start
}

# progress DONE TOTAL: TOTAL is an estimate, 0 when there is none
progress()
{
	now=$(date +%s)
	if [ ! -t 2 ]; then
		[ $((now - progress_shown)) -ge 10 ] || return 0
		progress_shown=$now
	fi
	awk -v done="$1" -v total="$2" -v elapsed=$((now - progress_start)) -v unit="$progress_unit" \
		-v label="$progress_label" -v tty="$([ -t 2 ] && echo 1)" 'BEGIN {
		clock = "%d:%02d"
		if (total > 0) {
			part = done / total
			if (part > 0.99)
				part = 0.99
			width = 24
			for (i = 0; i < width; i++)
				bar = bar (i < part * width ? "#" : ".")
			line = sprintf("[%s] %2d%%  %d of about %d %s", bar, part * 100, done, total, unit)
			if (elapsed >= 3 && done > 0) {
				left = elapsed / part - elapsed
				line = line sprintf(", " clock " left", left / 60, left % 60)
			}
		} else {
			line = sprintf("%d %s, " clock, done, unit, elapsed / 60, elapsed % 60)
		}
		printf (tty ? "\r%s: %s\033[K" : "%s: %s\n"), label, line
	}' >&2
}

# progress_end [MESSAGE]: the time it took stands behind the message; without one the line goes.
progress_end()
{
	[ ! -t 2 ] || printf '\r\033[K' >&2
	[ $# -eq 0 ] || say "$progress_label: $1 ($(($(date +%s) - progress_start)) s)"
}
