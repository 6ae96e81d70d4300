#!/usr/bin/env bash
# Instructions per operation of whole gradients, by callgrind: they do not depend on what else the machine does.
#
#     examples/bench/instructions.sh [PROBLEM ...]
#
# Prints problem, contestant and instructions per operation of the primal, of a gradient whose memory is kept from an
# earlier one: what three gradients take more than one, less what the primal takes. Needs valgrind and a release build of
# bench_scalar. (A fill of memory counts as one instruction a byte where the C library uses `rep stosb`.)
set -euo pipefail
cd "$(dirname "$0")/../.."

bench=${CARGO_TARGET_DIR:-target}/release/bench_scalar
[[ -x $bench ]] || cargo build --release -p examples --bin bench_scalar
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A problem and its operations.
declare -A operations=(
    [chain]=2000000 [rosen1k]=7992 [rosen100k]=799992 [lse]=300002 [llsq]=264193
    [ode]=848000 [det]=986408 [gmm]=1692405 [lstm]=492064 [ba]=375000
)

# Instructions of some rounds.
total() {
    valgrind --tool=callgrind --callgrind-out-file="$work/out" "$bench" --rounds "$1" --problem "$2" --peer "$3" 2>&1 \
        >"$work/rows" | awk '/Collected/ { print $NF }'
}

# Instructions of one round, behind the first.
round() { echo $((($(total 3 "$@") - $(total 1 "$@")) / 2)); }

[[ $# -gt 0 ]] || set -- chain rosen1k rosen100k lse llsq ode det gmm lstm ba
for problem; do
    primal=$(round "$problem" nobody)
    for peer in ours bare_list ours_forward1 ours_forward8; do
        with=$(round "$problem" "$peer")
        awk -v p="$problem" -v q="$peer" -v n="$((with - primal))" -v o="${operations[$problem]}" \
            'BEGIN { printf "%-10s %-14s %8.1f\n", p, q, n / o }'
    done
done
