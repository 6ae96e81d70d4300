#!/usr/bin/env python3
"""Sets rows of the bench command beside those of other libraries, and beside the bars they should meet.

    compare.py OURS PEERS [MORE ..]

Each argument is a file of JSON objects, one a line, or a folder of such `.jsonl` files. Rows of the bench have
`"peer": "ours"`; all others are peers. Only ratios within one run on one idle machine say anything: of repeated rows the
fastest median counts, on either side.

A line shows the job, what the fastest peer took, what we took, how many times faster that is, and the bar with `ok` or
`NO`. `value` says whether both computed the same number (to 1e-9 in f64, 1e-4 in f32), or `free` where it is not determined.
"""
import json
import os
import sys

US, MS = 1e6, 1e3


def rows_of(path):
    """All rows of a file, or of the files of a folder."""
    if os.path.isdir(path):
        names = sorted(n for n in os.listdir(path) if n.endswith(".jsonl"))
        return [row for name in names for row in rows_of(os.path.join(path, name))]
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines if line.startswith("{")]


# Our case: the cases of peers that do the same work. A single call is compared with single calls.
TWINS = {
    "A": {"hutch": ["hutch_jit"], "exact_directions": ["exact_jit"], "exact": ["exact_jit"], "hutchpp": []},
    "B": {"field": ["field"], "hutch": ["hutch"], "exact_directions": ["exact"], "exact": ["exact"], "hutchpp": ["hutchpp"]},
    "C": {"hutch": ["hutch"], "exact_directions": ["exact"], "exact": ["exact"], "hutchpp": ["hutchpp"]},
    "D": {"tsit5": ["jax_batch_tsit5"], "rk4": ["jax_batch_rk4"]},
    "G": {"checkpointed": ["scan_remat", "diffrax_ckpt"], "store_all": ["scan"]},
}
# The values of D are those of the per-example solves; their times are compared with the faster batched ones.
VALUE_TWINS = {"tsit5": ["jax_vmap_tsit5"], "rk4": ["jax_batch_rk4"]}

# Sign sketches of four rows in so few dimensions are dependent in some examples. A peer then completes its basis with
# whatever direction rounding leaves, so that its own f32 and f64 differ; ours is one row shorter.
RANK_DEFICIENT = 8

# How many times faster we are to be in f32 on one thread: (letter, case, batch, d) -> bar. f64 keeps the ratios.
BARS = {
    **{("A", "hutch", 1, d): bar for d, bar in [(2, 12), (8, 12), (32, 12), (128, 8)]},
    **{("A", "exact_directions", 1, d): bar for d, bar in [(8, 12), (128, 5), (512, 10)]},
    **{("B", "hutch", 256, d): bar for d, bar in [(2, 1.3), (8, 1.3), (32, 1.3), (128, 1.1), (512, 1.05)]},
    **{("B", "hutch", 4096, d): bar for d, bar in [(2, 2.5), (8, 2.5), (32, 2.5), (128, 1.5), (512, 1.5)]},
    **{("B", "exact_directions", 256, d): bar for d, bar in [(32, 3), (128, 7), (512, 20)]},
    **{("C", "hutch", 256, d): bar for d, bar in [(8, 1.3), (32, 1.3), (128, 1.15), (512, 1.15)]},
    **{("C", "exact_directions", 256, d): bar for d, bar in [(8, 2.5), (32, 3.5), (128, 8)]},
    **{("B", "exact", 256, d): bar for d, bar in [(8, 4.5), (32, 18), (128, 250), (512, 1400)]},
    **{("C", "exact", 256, d): bar for d, bar in [(8, 8), (32, 25), (128, 150), (512, 500)]},
    **{(letter, "hutchpp", 256, d): 2 for letter in "BC" for d in (8, 32, 128, 512)},
    **{("B", "hutchpp", 4096, d): 2.5 for d in (8, 32, 128, 512)},
    **{("D", "tsit5", "hutch", data): 2.2 for data in ("moons", "toy6")},
    ("D", "tsit5", "exact_directions", "moons"): 2.2,
    ("D", "tsit5", "exact_directions", "toy6"): 3,
    ("D", "tsit5", "exact", "moons"): 3,
    ("D", "tsit5", "exact", "toy6"): 8,
    **{("D", "rk4", "hutch", data): 2.2 for data in ("moons", "toy6")},
}
# A program stays within this factor of the loop by hand.
BY_HAND = 1.15
# What an exact divergence may take of the time of one random probe, by letter and dimension.
EXACT_OF_PROBE = {"B": {8: 1.05, 32: 0.9, 128: 0.6, 512: 0.45}, "C": {8: 1.1, 32: 1.0, 128: 0.8, 512: 0.7}}
# A solve per example in f64 may take so many times ours: (data, divergence).
PER_EXAMPLE = {("toy6", "exact_directions"): 5, ("toy6", "exact"): 15}
# What the gradient through 10,000 steps may take, in MiB and s, and a process to its first gradient, in s.
LONG_SOLVE, START_UP, TWO_THREADS = (9.0, 1.8), 0.05, 1.5


def key(row):
    """What makes two rows the same job."""
    if row["exp"] == "D":
        div = "exact" if row["div"].startswith("exact") else row["div"]
        job = (row["data"], div)
    elif row["exp"] == "G":
        job = (row["steps"],)
    else:
        job = (1 if row["exp"] == "A" else row.get("batch"), row.get("d"))
    return (row["exp"], row["dtype"], row["threads"], *job)


def seconds(row):
    return row.get("grad_s", row.get("median", float("inf")))


def fastest(rows):
    """Of repeated rows the fastest, in the order of the first."""
    found = {}
    for row in rows:
        job = (key(row), row["case"], row.get("div"))
        if job not in found or seconds(row) < seconds(found[job]):
            found[job] = row
    return list(found.values())


def best(rows):
    return min(rows, key=seconds, default=None)


def table(title, head, lines):
    if lines:
        print(f"\n## {title}\n\n| {' | '.join(head)} |\n|{' --- |' * len(head)}")
        for line in lines:
            print(f"| {' | '.join(line)} |")


def verdict(ratio, bar):
    return "" if bar is None else f">= {bar}: {'ok' if ratio >= bar else 'NO'}"


def same(ours, twins):
    """Whether a peer that has a value has the same one."""
    values = [row["value"] for row in twins if "value" in row]
    if not values or "value" not in ours:
        return "-"
    if ours["case"] == "hutchpp" and ours["d"] <= RANK_DEFICIENT:
        return "free"
    error = min(abs(ours["value"] - v) / max(abs(v), 1e-300) for v in values)
    return f"{error:.0e} {'ok' if error <= (1e-9 if ours['dtype'] == 'f64' else 1e-4) else 'NO'}"


def bar_of(row):
    if row["threads"] != 1:
        return None
    if row["exp"] == "D":
        return BARS.get(("D", row["case"], row["div"], row["data"]))
    return BARS.get((row["exp"], row["case"], 1 if row["exp"] == "A" else row.get("batch"), row.get("d")))


def beside_peers(ours, peers, letter, scale, unit):
    """One line for each of our rows: the fastest peer, ours, the ratio, the bar, the value."""
    lines = []
    for row in (r for r in ours if r["exp"] == letter and not r["case"].startswith("by_hand")):
        names = TWINS[letter].get(row["case"], [])
        twins = [p for p in peers if key(p) == key(row) and p["case"] in names]
        named = VALUE_TWINS.get(row["case"], names) if letter == "D" else names
        valued = [p for p in peers if key(p) == key(row) and (p["case"] in named or letter == "A")
                  and (letter != "A" or p["case"].split("_")[0] == row["case"].split("_")[0])]
        peer = best([p for p in twins if seconds(p) < float("inf")])
        times = row["batch"] if letter in "BC" else 1
        own = seconds(row) * scale / times
        job = [str(x) for x in key(row)[1:]]
        if letter == "D":
            job[-1] = row["div"]
        ratio = seconds(peer) / seconds(row) if peer else None
        lines.append([row["case"], " ".join(job),
                      f"{seconds(peer) * scale / times:.2f} ({peer['case']})" if peer else "-",
                      f"{own:.2f}", f"{ratio:.2f}" if ratio else "-",
                      verdict(ratio, bar_of(row)) if ratio else "", same(row, valued)])
    table(f"{letter}, {unit}", ["case", "job", "fastest peer", "ours", "times faster", "bar", "value"], lines)


def per_example_solves(ours, peers):
    """D in f64 against one solve per example under vmap."""
    lines = []
    for row in ours:
        if (row["exp"], row["dtype"], row["case"]) == ("D", "f64", "tsit5"):
            twin = best([p for p in peers if key(p) == key(row) and p["case"] == "jax_vmap_tsit5"])
            if twin:
                ratio = seconds(twin) / seconds(row)
                bar = PER_EXAMPLE.get((row["data"], row["div"])) if row["threads"] == 1 else None
                lines.append([row["data"], row["div"], f"{seconds(twin) * MS:.1f}", f"{seconds(row) * MS:.1f}",
                              f"{ratio:.2f}", verdict(ratio, bar)])
    table("D in f64 against one solve per example, ms", ["data", "div", "jax_vmap_tsit5", "ours", "times faster", "bar"], lines)


def by_hand(ours):
    """Programs against the loops by hand."""
    lines = []
    for row in ours:
        if row["case"].startswith("by_hand_"):
            case = row["case"].removeprefix("by_hand_")
            twin = best([r for r in ours if key(r) == key(row) and r["case"] == case])
            if twin and row["exp"] in "BC":
                ratio = seconds(twin) / seconds(row)
                lines.append([row["exp"], case, " ".join(map(str, key(row)[1:])),
                              f"{seconds(row) / row['batch'] * US:.3f}", f"{seconds(twin) / row['batch'] * US:.3f}",
                              f"{ratio:.2f}", f"<= {BY_HAND}: {'ok' if ratio <= BY_HAND else 'NO'}"])
    table("Programs and loops by hand, us a sample", ["", "case", "job", "by hand", "program", "program / by hand", "bar"], lines)


def exact_and_probe(ours):
    """The exact divergence against one random probe; a training step with either."""
    lines = []
    for row in ours:
        d = row["exp"] == "D"
        if (row["div"] if d else row["case"]) != "exact" or row["exp"] not in "BCD":
            continue
        same_job = [r for r in ours if r["exp"] == row["exp"] and r["dtype"] == row["dtype"] and r["threads"] == row["threads"]
                    and (r["case"] == row["case"] and r["data"] == row["data"] and r["div"] == "hutch" if d
                         else r["case"] == "hutch" and key(r) == key(row))]
        probe = best(same_job)
        if probe:
            ratio = seconds(row) / seconds(probe)
            bar = 1.0 if d else EXACT_OF_PROBE[row["exp"]].get(row["d"])
            bar = bar if row["threads"] == 1 and (d or row["batch"] == 256) else None
            job = f"{row['case']} {row['data']}" if d else " ".join(map(str, key(row)[1:]))
            lines.append([row["exp"], job, row["dtype"], f"{ratio:.2f}",
                          "" if bar is None else f"<= {bar}: {'ok' if ratio <= bar else 'NO'}"])
    table("The exact divergence against one random probe", ["", "job", "dtype", "exact / probe", "bar"], lines)


def long_solves(ours, peers):
    """G: memory and time."""
    lines = []
    for row in (r for r in [*peers, *ours] if r["exp"] == "G"):
        mine = row.get("peer") == "ours"
        bar = ""
        if mine and (row["case"], row["steps"], row["dtype"], row["threads"]) == ("checkpointed", 10_000, "f32", 1):
            ok = row["delta_mib"] <= LONG_SOLVE[0] and row["grad_s"] <= LONG_SOLVE[1]
            bar = f"<= {LONG_SOLVE[0]} MiB, {LONG_SOLVE[1]} s: {'ok' if ok else 'NO'}"
        twins = [p for p in peers if key(p) == key(row)] if mine else []
        lines.append([("ours " if mine else "") + row["case"], row["dtype"], str(row["steps"]), f"{row['delta_mib']:.1f}",
                      f"{row['grad_s']:.2f}", bar, same(row, twins)])
    table("G, memory and time of a gradient", ["case", "dtype", "steps", "MiB", "s", "bar", "value"], lines)


def start_up(ours, peers):
    """H: seconds from the start of the process."""
    lines = []
    for row in (r for r in [*peers, *ours] if r["exp"] == "H"):
        mine = row.get("peer") == "ours"
        bar = f"<= {START_UP}: {'ok' if row['grad'] <= START_UP else 'NO'}" if mine else ""
        lines.append([row.get("peer", "-"), row["dtype"], *(f"{row[k]:.3f}" for k in ("import", "loss", "grad")), bar])
    table("H, s from the start of the process", ["peer", "dtype", "import", "first loss", "first gradient", "bar"], lines)


def two_threads(ours):
    """Two threads against one."""
    lines = []
    for row in (r for r in ours if r["threads"] == 2 and "median" in r):
        one = best([r for r in ours if r["threads"] == 1 and r["case"] == row["case"] and r.get("div") == row.get("div")
                    and key({**r, "threads": 2}) == key(row)])
        if one:
            ratio = seconds(one) / seconds(row)
            bar = TWO_THREADS if row["exp"] == "D" or row.get("batch") == 4096 else None
            lines.append([row["exp"], row["case"], " ".join(map(str, key(row)[1:])), f"{ratio:.2f}", verdict(ratio, bar)])
    table("Two threads against one", ["", "case", "job", "times faster", "bar"], lines)


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rows = [row for path in sys.argv[1:] for row in rows_of(path)]
    ours = fastest([r for r in rows if r.get("peer") == "ours"])
    peers = [r for r in rows if r.get("peer") != "ours" and r.get("peer") != "torch"]
    for letter, scale, unit in [("A", US, "us a call"), ("B", US, "us a sample"), ("C", US, "us a sample"),
                                ("D", MS, "ms a step")]:
        beside_peers(ours, peers, letter, scale, unit)
    per_example_solves(ours, peers)
    by_hand(ours)
    exact_and_probe(ours)
    long_solves(ours, peers)
    start_up(ours, peers)
    two_threads(ours)


if __name__ == "__main__":
    main()
