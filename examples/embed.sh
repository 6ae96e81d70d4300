#!/usr/bin/env bash
# Builds and runs the two crates that embed `ad-core`, and prints what that costs them: the crates they link (the tree
# shows those needed to build, too), and the seconds of a clean build of the small one. Fails where a derivative is wrong,
# or the small one links more than three crates.
set -euo pipefail
cd "$(dirname "$0")"

target=${CARGO_TARGET_DIR:-$PWD/../target}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in embed-minimal embed-nalgebra; do
    manifest=$name/Cargo.toml
    tree=$(cargo tree --manifest-path "$manifest" --edges normal --prefix none --no-dedupe | sort -u)
    crates=$(($(wc -l <<<"$tree") - 1))
    printf "\n%s links %d crates:\n" "$name" "$crates"
    cargo tree --manifest-path "$manifest" --edges normal,build
    if [[ $name == embed-minimal ]]; then
        [[ $crates -le 3 ]] || { echo "error: these are more than three" >&2; exit 1; }
        cargo fetch --quiet --manifest-path "$manifest"
        start=$EPOCHREALTIME
        CARGO_TARGET_DIR=$work cargo build --quiet --manifest-path "$manifest"
        awk -v a="$start" -v b="$EPOCHREALTIME" 'BEGIN { printf "a clean build took %.1f s\n", b - a }'
        "$work/debug/$name"
    else
        CARGO_TARGET_DIR=$target/embed cargo run --quiet --manifest-path "$manifest"
    fi
done
