#!/usr/bin/env bash
# Every virtual machine of every host as CSV, a file a day; for cron.
#
#   examples/inventory.sh [FOLDER [HOSTS]]
#
# HOSTS is what --host takes, such as @prod; all hosts, if it is not given. A host that does not answer costs no more
# than its own lines: the file is kept, FOLDER/vms-DATE.errors.txt names the host, and the exit code is 8. Any other
# failure leaves no file. The exit code is hvctl's.
set -euo pipefail

file=${1:-.}/vms-$(date -u +%F).csv
errors=${file%.csv}.errors.txt
hosts=(--all-hosts)
[ -z "${2:-}" ] || hosts=(--host "$2")
mkdir -p "$(dirname "$file")"
trap 'rm -f "$file.part" "$errors.part"' EXIT

code=0
hvctl vm list "${hosts[@]}" -o csv --sort host,name \
  --columns name,state,processors,memory_startup,uptime,version,host,id >"$file.part" 2>"$errors.part" || code=$?
cat "$errors.part" >&2
case $code in
  0) rm -f "$errors" ;;
  8) mv "$errors.part" "$errors" ;;
  *) exit "$code" ;;
esac
mv "$file.part" "$file"
exit "$code"
