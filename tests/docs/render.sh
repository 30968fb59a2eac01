#!/bin/bash
# SPDX-License-Identifier: MIT
# Renders the document as Xen's own Makefile does (docs/Makefile: --number-sections --toc
# --standalone), to HTML and to text, without a warning; and no path, value or tag may get lost on the
# way, as by something that pandoc takes for emphasis, a citation or a footnote.
set -euo pipefail
pandoc=$1 document=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for format in html plain; do
    "$pandoc" -f markdown --fail-if-warnings --number-sections --toc --standalone \
        --metadata pagetitle=xenstore-iommu -t "$format" -o "$work/$format" "$document"
done
# Without typographic quotation marks, unnumbered, one line a paragraph.
"$pandoc" -f markdown-smart --fail-if-warnings --wrap=none -t plain -o "$work/lines" "$document"

lost=0
while read -r heading; do
    if ! grep -qxF -- "$heading" "$work/lines"; then
        echo "rendered as something else: $heading"
        lost=1
    fi
done < <(sed -n 's/^####* \([~/].*\)$/\1/p' "$document")
[ "$(grep -c '^####* [~/]' "$document")" -gt 20 ]
exit "$lost"
