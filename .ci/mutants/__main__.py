"""Mutation tests: python3 .ci/mutants PACKAGE [REGEX] [--every N] [--tests T ..] [--longest S]

cargo-mutants says what could be changed in PACKAGE; here all of that is compiled once, each mutant behind a switch. Each test
by itself then tells which mutants it reaches, and a mutant is given to those that reach it, the quickest first, until one
fails. Slopes in the tables of elementary functions are changed too.

Needs cargo-mutants, and the Python packages tree-sitter and tree-sitter-rust. Works in a copy, target/mutants; prints what
is not caught, and totals by file.
"""
import argparse
import collections
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from schemata import SWITCH, File, table_mutants

ROOT = pathlib.Path(__file__).resolve().parents[2]
COPY = pathlib.Path(os.environ.get('CARGO_TARGET_DIR', ROOT / 'target')) / 'mutants'
TABLES = 'ad-core/src/elementary.rs'


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('package')
    parser.add_argument('regex', nargs='?', default='', help='which mutants, by "FILE:LINE:COLUMN: WHAT in FUNCTION"')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='a random sample of one in N')
    parser.add_argument('--tests', nargs='*', default=[], help='names of test targets (`lib` is the unit tests); all by default')
    parser.add_argument('--longest', type=float, default=60, metavar='S', help='tests that take more seconds are left out')
    options = parser.parse_args()
    copy_sources()
    mutants = listed(options.package)
    wanted = [m for m in mutants if re.search(options.regex, m['name'])]
    if options.every > 1:
        wanted = random.Random(1).sample(wanted, -(-len(wanted) // options.every))
    files = written(options.package, wanted)
    verdicts = {m['id']: 'unviable' for m in wanted}
    verdicts.update((m['id'], 'not placed') for f in files.values() for m in f.mutants if m['id'] not in f.placed)
    drop_unviable(options.package, files)
    live = [m for f in files.values() for m in f.mutants if m['id'] in f.placed]
    verdicts.update(tested(options, live))
    report(wanted, verdicts)


def run(*command, **options):
    return subprocess.run(command, cwd=COPY, text=True, capture_output=True, **options)


def copy_sources():
    tracked = subprocess.run(['git', 'ls-files'], cwd=ROOT, text=True, capture_output=True, check=True).stdout.splitlines()
    for path in tracked:
        new, old = ROOT / path, COPY / path
        if new.exists() and not (old.exists() and old.read_bytes() == new.read_bytes()):
            old.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(new, old)


def listed(package):
    # Whether a tree is a workspace of its own is asked of the copy.
    text = run('cargo', 'mutants', '--list', '--json', '--package', package, check=True).stdout
    mutants = json.loads(text)
    if package == 'ad-core':
        mutants += table_mutants(TABLES, (COPY / TABLES).read_text())
    return [{**m, 'id': number} for number, m in enumerate(mutants)]


def written(package, mutants):
    files = {path: File(COPY, path) for path in {m['file'] for m in mutants}}
    for m in mutants:
        files[m['file']].mutants.append(m)
    with open(COPY / package / 'src/lib.rs', 'a') as lib:
        lib.write(SWITCH)
    for f in files.values():
        f.write()
    return files


def drop_unviable(package, files):
    """What the compiler refuses is no mutant; the switch itself cannot stand in a constant or a const fn."""
    while True:
        check = run('cargo', 'check', '--package', package, '--all-features', '--message-format=json', '--quiet')
        if check.returncode == 0:
            return
        messages = [json.loads(line).get('message') for line in check.stdout.splitlines()]
        places = [place(span) for m in messages if m and m['level'] == 'error' for span in m['spans'] if span['is_primary']]
        bad = {max(hits)[2] for name, at in places if (hits := [r for r in ranges(files, name) if r[0] <= at <= r[1]])}
        # An error beside mutants: those of its line go, or the nearest.
        for distance in (0, 1, 6):
            bad = bad or {r[2] for name, at in places for r in ranges(files, name) if abs(r[0][0] - at[0]) <= distance}
        if not bad:
            sys.exit(check.stderr)
        for f in files.values():
            kept = [m for m in f.mutants if m['id'] not in bad]
            if len(kept) < len(f.mutants):
                f.mutants = kept
                f.write()
        print(f'{len(bad)} do not compile', flush=True)


def place(span):
    while span['file_name'].startswith('/') and span.get('expansion'):
        span = span['expansion']['span']
    return span['file_name'], (span['line_start'] - 1, span['column_start'] - 1)


def ranges(files, name):
    return files[name].ranges if name in files else []


def tested(options, mutants):
    package, todo, verdicts, lock = options.package, list(mutants), {}, threading.Lock()
    found = [reach(package, *test, options.longest) for test in all_tests(package, options.tests)]
    reached = sorted((test for test in found if test), key=lambda test: test[0])
    print(f'{len(reached)} tests of {sum(took for took, *_ in reached):.0f} s in all', flush=True)
    start = time.time()

    def work():
        while True:
            with lock:
                if not todo:
                    return
                m = todo.pop()
            verdict = judge(package, m['id'], reached)
            with lock:
                verdicts[m['id']] = verdict
                if verdict != 'caught':
                    print(f'{verdict}: {m["name"]}', flush=True)
                if len(verdicts) % 100 == 0:
                    print(f'{len(verdicts)} of {len(mutants)} after {time.time() - start:.0f} s', flush=True)

    workers = [threading.Thread(target=work) for _ in os.sched_getaffinity(0)]
    for action in (threading.Thread.start, threading.Thread.join):
        for worker in workers:
            action(worker)
    return verdicts


def all_tests(package, targets):
    """The tests as pairs of a binary and a name."""
    flags = [flag for t in targets for flag in (['--lib'] if t == 'lib' else ['--test', t])]
    # Quick to build, and no slower to run where it counts.
    fast = [f'--config=profile.test.package.{p}.{key}' for p in ('ad-core', 'ad-ops') for key in ('opt-level=1', 'debug=false')]
    build = run('cargo', 'test', '--no-run', '--message-format=json', '--package', package, *fast, *flags)
    if build.returncode:
        sys.exit(build.stderr)
    artifacts = [json.loads(line) for line in build.stdout.splitlines()]
    for binary in (a['executable'] for a in artifacts if a.get('executable') and a['profile']['test']):
        for line in run(binary, '--list', '--format', 'terse').stdout.splitlines():
            if line.endswith(': test'):
                yield binary, line[:-len(': test')]


def reach(package, binary, test, longest):
    """How long a test takes, the test, and the mutants that it meets."""
    begin = time.time()
    answer = call(package, binary, test, longest)
    took = time.time() - begin
    if answer == 'timeout':
        print(f'left out: {test}', flush=True)
        return None
    with tempfile.NamedTemporaryFile() as file:
        if answer != 'passed' or call(package, binary, test, 3600, REACHED=file.name) != 'passed':
            sys.exit(f'{test} fails without mutants')
        return took, binary, test, {int(line) for line in pathlib.Path(file.name).read_text().split()}


def judge(package, number, reached):
    reaching = [test for test in reached if number in test[3]]
    for took, binary, test, _ in reaching:
        answer = call(package, binary, test, max(3, 20 * took), MUTANT=str(number))
        if answer != 'passed':
            return 'caught' if answer == 'failed' else 'timeout'
    return 'missed' if reaching else 'not reached'


def call(package, binary, test, limit, **environment):
    environment = {**os.environ, 'RUST_BACKTRACE': '0', 'PROPTEST_CASES': '100', 'PROPTEST_MAX_SHRINK_ITERS': '0',
                   'PROPTEST_DISABLE_FAILURE_PERSISTENCE': '1', 'PROPTEST_RNG_SEED': '1', **environment}
    try:
        done = subprocess.run([binary, '-q', '--exact', test], cwd=COPY / package, env=environment, timeout=limit,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except subprocess.TimeoutExpired:
        return 'timeout'
    return 'failed' if done.returncode else 'passed'


def report(mutants, verdicts):
    columns = ('caught', 'missed', 'not reached', 'timeout', 'unviable', 'not placed')
    count = collections.Counter((m['file'], verdicts[m['id']]) for m in mutants)
    print(f'\n| file | {" | ".join(columns)} |\n|---|{"---:|" * len(columns)}')
    for path in sorted({m['file'] for m in mutants}):
        print(f'| {path} | {" | ".join(str(count[path, c]) for c in columns)} |')
    print(f'| all | {" | ".join(str(sum(count[p, c] for p in {m["file"] for m in mutants})) for c in columns)} |')


main()
