"""All mutants of a source file at once: each is a branch that a call of `crate::__mutant` takes when it is chosen."""
import re

import tree_sitter_rust
from tree_sitter import Language, Parser

PARSER = Parser(Language(tree_sitter_rust.language()))

# Appended to lib.rs. MUTANT chooses one; the mutants that are met on the way are noted in the file REACHED.
SWITCH = '''
#[doc(hidden)]
pub fn __mutant(ids: &[u32]) -> usize {
    use std::io::Write;
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicBool, Ordering};
    static CHOSEN: LazyLock<u32> =
        LazyLock::new(|| std::env::var("MUTANT").ok().and_then(|id| id.parse().ok()).unwrap_or(u32::MAX));
    static REACHED: LazyLock<Option<std::fs::File>> = LazyLock::new(|| {
        let path = std::env::var("REACHED").ok()?;
        std::fs::OpenOptions::new().append(true).create(true).open(path).ok()
    });
    static MET: [AtomicBool; 20000] = [const { AtomicBool::new(false) }; 20000];
    if let Some(mut file) = REACHED.as_ref() {
        for &id in ids {
            if !MET[id as usize].swap(true, Ordering::Relaxed) {
                // At once, and without an allocation, which some tests count.
                let mut line = [0; 12];
                let _ = writeln!(&mut line[..], "{id:>11}").and_then(|()| file.write_all(&line));
            }
        }
    }
    ids.iter().position(|id| *id == *CHOSEN).map_or(0, |k| k + 1)
}
'''


def table_mutants(path, source):
    """Mutants of the slopes in the tables of elementary functions: they are macros, where cargo-mutants does not look."""
    found, offset, function = [], 0, ''
    for number, line in enumerate(source.split('\n'), 1):
        row = re.match(r' +([A-Z]\w+) +[a-z]\w* +\|.*=> (?=\[)', line)
        function = row.group(1) if row else function
        start = row.end() if row else 0 if re.match(r' {30,}\[\|', line) else len(line)
        for closure in re.finditer(r'\[\|([^|]*)\| (.*?)\](?=[,;])', line[start:]):
            at, text = start + closure.start(2), closure.group(2)
            argument = next(a for a in closure.group(1).split(', ') if not a.startswith('_'))
            for what, new in slope_mutants(text, argument):
                found.append({'file': path, 'genre': 'Table', 'span': (offset + at, offset + at + len(text)),
                              'replacement': new, 'name': f'{path}:{number}:{at + 1}: {what} in the slope of {function}'})
        offset += len(line) + 1
    return found


def slope_mutants(text, argument):
    def spliced(match, new, group=0):
        return text[:match.start(group)] + new + text[match.end(group):]
    yield 'replace all with 0', f'{argument}.lift(0.0)'
    for op in re.finditer(r' ([-+*/]) ', text):
        for new in {'+': '-*', '-': '+/', '*': '+/', '/': '*+'}[op.group(1)]:
            yield f'replace {op.group(1)} with {new}', spliced(op, new, 1)
    for op in re.finditer(r'(?<![\w)] )-(?=[\w(])', text):
        yield 'delete -', spliced(op, '')
    for call in re.finditer(r'\.(?!clone|lift|select)\w+\(\)', text):
        if text[call.start() - 1] != '0':
            yield f'delete {call.group()}', spliced(call, '.clone()')
    for number in re.finditer(r'lift\(([^()]*(?:\(\))?)\)', text):
        yield f'replace {number.group(1)} with 7.0', spliced(number, '7.0', 1)
    for call in re.finditer(r'(\w+)\((a|b), (a|b)\)', text):
        yield f'swap the arguments of {call.group(1)}', f'{call.group(1)}({call.group(3)}, {call.group(2)})'


class File:
    """A source file, its mutants, and where the code of each of them stands once it is written."""

    def __init__(self, root, path):
        self.place, self.mutants = root / path, []
        self.source = self.place.read_text()
        self.lines = [0]
        for line in self.source.split('\n'):
            self.lines.append(self.lines[-1] + len(line) + 1)
        data = self.source.encode()
        self.tree = PARSER.parse(data)
        # tree-sitter counts bytes.
        self.char = {}
        at = 0
        for index, char in enumerate(self.source + '\n'):
            self.char[at] = index
            at += len(char.encode())

    def span(self, mutant):
        span = mutant['span']
        if isinstance(span, tuple):
            return span
        return tuple(self.lines[span[end]['line'] - 1] + span[end]['column'] - 1 for end in ('start', 'end'))

    def bounds(self, node):
        return self.char[node.start_byte], self.char[node.end_byte]

    def text(self, node):
        start, end = self.bounds(node)
        return self.source[start:end]

    def write(self):
        self.open = {}
        for mutant in self.mutants:
            kind = mutant['genre'] if mutant['genre'] in ('FnValue', 'MatchArm', 'MatchArmGuard', 'Table') else 'inner'
            self.open.setdefault((kind, self.span(mutant)[0]), []).append(mutant)
        self.placed = set()
        tables = [self.take(*key) for key in sorted(self.open) if key[0] == 'Table']
        if tables:
            edits = [(self.span(group[0]), switch([(m, m['replacement']) for m in group], self.source[slice(*self.span(group[0]))]))
                     for group in tables]
            edits += [(self.bounds(node), self.render(node)) for node in self.tree.root_node.children if node.type == 'function_item']
            code = self.source
            for (start, end), new in sorted(edits, reverse=True):
                code = code[:start] + new + code[end:]
        else:
            start, end = self.bounds(self.tree.root_node)
            code = self.source[:start] + self.render(self.tree.root_node) + self.source[end:]
        self.place.write_text(self.without_marks(code))

    def without_marks(self, code):
        """Takes the marks out of the code and notes where each mutant stands."""
        out, self.ranges, begun, line, column = [], [], [], 0, 0
        for part in re.split(r'(\x01\d+\x02|\x03)', code):
            if part.startswith('\x01'):
                begun.append((int(part[1:-1]), (line, column)))
            elif part == '\x03':
                id_, start = begun.pop()
                self.ranges.append((start, (line, column), id_))
            else:
                out.append(part)
                line += part.count('\n')
                column = len(part) - part.rfind('\n') - 1 if '\n' in part else column + len(part)
        return ''.join(out)

    def take(self, kind, start):
        found = self.open.pop((kind, start), [])
        self.placed.update(m['id'] for m in found)
        return found

    def render(self, node):
        """The code of a node with all mutants in it. What a mutant leaves as it is has no mutants inside it."""
        start, end = self.bounds(node)
        before = ''
        if node.parent is not None and node.parent.type == 'block' and node.type != '{':
            for m in self.take('FnValue', start):
                before += f'if crate::__mutant(&[{m["id"]}]) == 1 {{ return {mark(m, m["replacement"])}; }} '
        field = node.child_by_field_name
        if node.type in ('binary_expression', 'compound_assignment_expr'):
            found = self.take('inner', self.bounds(field('operator'))[0])
            if found:
                left, right = self.text(field('left')), self.text(field('right'))
                return before + switch([(m, f'{left} {m["replacement"]} {right}') for m in found], self.inside(node))
        elif node.type == 'unary_expression':
            found = self.take('inner', start)
            if found:
                return before + switch([(m, self.text(node)[1:]) for m in found], self.inside(node))
        elif node.type == 'match_arm':
            return self.arm(node)
        elif node.type in ('field_initializer', 'shorthand_field_initializer'):
            base = next((c for c in node.parent.children if c.type == 'base_field_initializer'), None)
            found = self.take('inner', start) if base else []
            if found:
                name, value = self.text(node).split(':')[0].strip(), field('value')
                old = [(m, f'({self.text(base)[2:]}).{name}') for m in found]
                return f'{name}: {switch(old, self.render(value) if value else name)}'
        return before + self.inside(node)

    def arm(self, node):
        """An arm that is deleted is one whose guard says no."""
        start, end = self.bounds(node)
        pattern, body = node.child_by_field_name('pattern'), node.child_by_field_name('value')
        guard = pattern.child_by_field_name('condition')
        deleted = self.take('MatchArm', start)
        guarded = self.take('MatchArmGuard', self.bounds(guard)[0]) if guard else []
        if not deleted and not guarded:
            return self.inside(node)
        condition = self.render(guard) if guard else 'true'
        for m in guarded:
            condition = switch([(m, m['replacement'])], condition)
        for m in deleted:
            condition = mark(m, f'crate::__mutant(&[{m["id"]}]) == 0') + ' && ' + condition
        head = self.source[start:self.bounds(guard)[0]] if guard else self.source[start:self.bounds(pattern)[1]] + ' if '
        middle = self.source[self.bounds(pattern)[1]:self.bounds(body)[0]]
        return head + condition + middle + self.render(body) + self.source[self.bounds(body)[1]:end]

    def inside(self, node):
        out, (at, end) = '', self.bounds(node)
        for child in node.children:
            start, stop = self.bounds(child)
            out += self.source[at:start] + self.render(child)
            at = stop
        return out + self.source[at:end]


def mark(mutant, code):
    return f'\x01{mutant["id"]}\x02{code}\x03'


def switch(mutants, original):
    ids = ', '.join(str(m['id']) for m, _ in mutants)
    arms = [f'{"_" if k == len(mutants) else k} => {{ {mark(m, code)} }}' for k, (m, code) in enumerate(mutants, 1)]
    return f'(match crate::__mutant(&[{ids}]) {{ 0 => {{ {original} }} {" ".join(arms)} }})'
