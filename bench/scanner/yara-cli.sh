#!/usr/bin/env bash
# Our scan against the `yara` command with the same rules on the same tree, two threads and two workers, in turns:
#   bench/scanner/yara-cli.sh RULES.yar TREE [RUNS]
# Prints wall-clock and processor seconds of each run, and how many (rule, file) pairs only one of them has. Our times hold the
# compilation of the rules in each worker; the last column is the scan alone. Build first.
set -euo pipefail
rules=$1 tree=$2 runs=${3:-3}
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf 'scanner:\n  builtin_rules: false\n' >"$work/config.yaml"
TIMEFORMAT='%R wall, %U user, %S system'
for ((run = 1; run <= runs; run++)); do
  echo "yara: $({ time yara -w -N -r -p 2 "$rules" "$tree" >"$work/theirs" 2>/dev/null || true; } 2>&1)"
  echo "ours: $({ time "$root/bin/portcullis" scan --config "$work/config.yaml" --raw --json --jobs 2 --yara "$rules" "$tree" \
    >"$work/ours.json" 2>"$work/said" || true; } 2>&1); $(tail -n 1 "$work/said")"
done
node -e '
  const { createInterface } = require("node:readline")
  createInterface({ input: process.stdin }).on("line", (line) => {
    const { path, reasons } = JSON.parse(line)
    for (const { engine, rule } of reasons) if (engine === "yara") console.log(rule + " " + path)
  })' <"$work/ours.json" | LC_ALL=C sort >"$work/ours"
LC_ALL=C sort -o "$work/theirs" "$work/theirs"
echo "pairs: $(wc -l <"$work/theirs") of yara, $(wc -l <"$work/ours") of ours"
LC_ALL=C comm -3 "$work/theirs" "$work/ours" | sed 's/^\t/only ours: /; t; s/^/only yara: /' | head -n 40
