#!/usr/bin/env bash
# A gate for CI jobs and monitors: are the hosts, and all that is stored on them, as they should be?
#
#   examples/health-gate.sh [HOSTS]
#
# HOSTS is what --host takes, such as @prod; all hosts, if it is not given. Exit code 0: they are. 9: something was
# found; stdout says what, and what mends it. Any other: it could not be told, and stderr says why.
set -uo pipefail

hosts=(--all-hosts)
[ -z "${1:-}" ] || hosts=(--host "$1")

hvctl host check "${hosts[@]}" --query '[?status==`failed` || status==`warning`]'
checked=$?
hvctl storage health "${hosts[@]}"
stored=$?

# A finding is an answer, also where the other check had none.
if [ "$checked" -eq 9 ] || [ "$stored" -eq 9 ]; then exit 9; fi
[ "$checked" -eq 0 ] || exit "$checked"
exit "$stored"
