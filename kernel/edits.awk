# SPDX-License-Identifier: GPL-2.0-or-later
#
# Carries out the `edits` file of one addition (kernel/um/README.md has the format).
#
# Theory of operation
# -------------------
#   awk -v roots=OUT:OVERLAY:SOURCE -f edits.awk ADDITION/edits
#
# A file that an edit names is looked for in OUT (this addition has written it already), OVERLAY
# (an earlier addition has), SOURCE (nobody has), in this order, held in memory as lines, and
# written to OUT when the next one is named; OUT's directories are there already. An edit is
# collected first, its text with it, and carried out when the next line begins another. The first
# one that does not fit ends it all: status 1, and standard output says which line, file and
# pattern; the caller then throws OUT away. Any POSIX awk will do (mawk: no intervals).

function fail(line, message)
{
	print "edits:" line ": " message
	failed = 1
	exit 1
}

# --- the file being edited -----------------------------------------------------------------------

function file_open(path,    i, text, name, got)
{
	if (path ~ /^\// || path ~ /(^|\/)\.\.(\/|$)/ || path == "")
		fail(NR, "'" path "' is not a path within the tree")
	count = 0
	for (i = 1; i <= root_count; i++) {
		name = root[i] "/" path
		if ((got = (getline text < name)) < 0)
			continue
		for (; got > 0; got = (getline text < name))
			lines[++count] = text
		close(name)
		file = path
		return
	}
	fail(NR, path ": no such file")
}

function file_close(    i, name)
{
	if (file == "")
		return
	name = root[1] "/" file
	printf "" > name
	for (i = 1; i <= count; i++)
		print lines[i] > name
	close(name)
	file = ""
}

# Takes lines `first` to `last` out (none when last < first) and puts the edit's text in.
function splice(first, last,    i, n)
{
	n = 0
	for (i = last + 1; i <= count; i++)
		rest[++n] = lines[i]
	count = first - 1
	for (i = 1; i <= text_count; i++)
		lines[++count] = text_line[i]
	for (i = 1; i <= n; i++)
		lines[++count] = rest[i]
}

# --- where ---------------------------------------------------------------------------------------

function trim(s)
{
	sub(/^ +/, "", s)
	sub(/ +$/, "", s)
	return s
}

function next_match(from, re,    i)
{
	for (i = from; i <= count; i++)
		if (lines[i] ~ re)
			return i
	fail(edit_line, file ": no line matches '" re "' after line " from - 1)
}

# Sets place_first and place_last.
function locate(place,    parts, n, i, to, found)
{
	to = ""
	if (match(place, / \.\. /)) {
		to = trim(substr(place, RSTART + 4))
		place = substr(place, 1, RSTART - 1)
		if (verb != "replace" && verb != "delete")
			fail(edit_line, "'..' is for replace and delete only")
	}
	n = split(place, parts, / ~ /)
	for (i = 1; i <= n; i++)
		if ((parts[i] = trim(parts[i])) == "")
			fail(edit_line, verb ": a pattern is empty")
	found = 0
	for (i = 1; i <= count; i++) {
		if (lines[i] !~ parts[1])
			continue
		if (found)
			fail(edit_line, file ": lines " found " and " i " both match '" parts[1] "'")
		found = i
	}
	if (!found)
		fail(edit_line, file ": no line matches '" parts[1] "'")
	for (i = 2; i <= n; i++)
		found = next_match(found + 1, parts[i])
	place_first = place_last = found
	if (to != "")
		place_last = next_match(found + 1, to)
}

# --- one edit ------------------------------------------------------------------------------------

function edit_begin(word, rest_of_line)
{
	edit_finish()
	if (file == "")
		fail(NR, word ": no 'file' before it")
	verb = word
	edit_line = NR
	place = rest_of_line
	text_count = 0
	has_part = has_new = 0
	if ((word == "begin" || word == "end") != (place == ""))
		fail(NR, word ": " (place == "" ? "needs a pattern" : "takes no pattern"))
}

function edit_finish()
{
	if (verb == "")
		return
	if ((verb == "delete" || verb == "change") && text_count)
		fail(edit_line, verb " takes no text")
	if (verb != "delete" && verb != "change" && !text_count)
		fail(edit_line, verb " without text")
	if (verb == "begin") {
		splice(1, 0)
	} else if (verb == "end") {
		splice(count + 1, count)
	} else {
		locate(place)
		if (verb == "after")
			splice(place_first + 1, place_first)
		else if (verb == "before")
			splice(place_first, place_first - 1)
		else if (verb == "change")
			change(place_first)
		else
			splice(place_first, place_last)
	}
	verb = ""
}

function change(at,    line)
{
	if (!has_part || !has_new)
		fail(edit_line, "change needs a '- REGEX' and a '+ TEXT' line")
	line = lines[at]
	if (!match(line, part))
		fail(edit_line, file ": line " at " has no match for '" part "'")
	lines[at] = substr(line, 1, RSTART - 1) new substr(line, RSTART + RLENGTH)
}

# --- reading -------------------------------------------------------------------------------------

BEGIN {
	root_count = split(roots, root, ":")
}

/^[ \t]*$/ || /^#/ {
	next
}

/^\|/ {
	if (verb == "")
		fail(NR, "text without an edit")
	text_line[++text_count] = substr($0, substr($0, 2, 1) == " " ? 3 : 2)
	next
}

/^-/ || /^\+/ {
	if (verb != "change")
		fail(NR, "'-' and '+' lines belong to 'change'")
	if (substr($0, 1, 1) == "-") {
		part = trim(substr($0, 2))
		has_part = part != ""
	} else {
		new = substr($0, 3)
		has_new = 1
	}
	next
}

{
	word = $1
	rest_of_line = trim(substr($0, length(word) + 1))
}

word == "file" {
	edit_finish()
	file_close()
	file_open(rest_of_line)
	next
}

word ~ /^(after|before|replace|delete|change|begin|end)$/ {
	edit_begin(word, rest_of_line)
	next
}

{
	fail(NR, "'" word "' is not a word of this format")
}

END {
	if (failed)
		exit 1
	edit_finish()
	file_close()
}
