#!/usr/bin/env bash
# Instructions per operation of whole gradients, by callgrind: they do not depend on what else the machine does.
#
#     examples/bench/instructions.sh [PROBLEM ...]
#
# Prints problem, contestant and instructions per operation of the primal. What starting the program and the primal take is
# measured by a run without the contestant, and taken off. Needs valgrind and a release build of bench_scalar.
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

count() {
    valgrind --tool=callgrind --callgrind-out-file="$work/out" "$bench" --once --problem "$1" --peer "$2" 2>&1 >"$work/rows" |
        awk '/Collected/ { print $NF }'
}

for problem in "${@:-chain rosen1k rosen100k lse llsq ode det gmm lstm ba}"; do
    for name in $problem; do
        nothing=$(count "$name" nobody)
        for peer in ours bare_list ours_forward1 ours_forward8; do
            with=$(count "$name" "$peer")
            awk -v p="$name" -v q="$peer" -v n="$((with - nothing))" -v o="${operations[$name]}" \
                'BEGIN { printf "%-10s %-14s %8.1f\n", p, q, n / o }'
        done
    done
done
