# SPDX-License-Identifier: GPL-2.0-or-later
#
# Counts the cases in what tests wrote, and names those that failed.
#
#	awk -v suite=NAME -v status=N [-v meson=1] -f tally.awk LOG
#
# LOG is TAP, or with meson=1 meson's testlog.txt, where each test has a section of its own. A
# program that failed (status; in a section: its result) without saying which case did, or that
# announced more cases than it ran, counts as one failure more; one that says nothing and went
# well as one pass.
# Prints "passed failed skipped" on the last line.

function finish(    left)
{
	if (planned >= 0 && seen < planned) {
		failed++
		print "  " suite ": " name (name == "" ? "" : ": ") planned - seen " cases were not run"
	} else if (bad && !not_ok) {
		failed++
		print "  " suite ": " (name == "" ? "failed" : name ": " result)
	} else if (!bad && !seen && (!meson || name != "")) {
		passed++
	}
	seen = not_ok = bad = 0
	planned = -1
}

BEGIN {
	planned = -1
	passed = failed = skipped = 0
}

meson && /^=+ [0-9]+\/[0-9]+ =+$/ {
	if (name != "")
		finish()
	name = result = ""
}

meson && /^test: / && name == "" {
	name = $0
	sub(/^test: *([^ ]* \/ )?/, "", name)
}

meson && /^result: / && result == "" {
	result = $0
	sub(/^result: */, "", result)
	bad = result != "exit status 0"
}

/^1\.\.[0-9]+/ {
	planned = substr($1, 4) + 0
}

/^(not )?ok [0-9]+/ {
	seen++
	if ($0 ~ /# *[Ss][Kk][Ii][Pp]/) {
		skipped++
	} else if ($1 == "ok") {
		passed++
	} else {
		failed++
		not_ok++
		print "  " suite ": " (name == "" ? "" : name ": ") $0
	}
}

END {
	if (!meson)
		bad = status != 0
	if (!meson || name != "")
		finish()
	print passed, failed, skipped
}
