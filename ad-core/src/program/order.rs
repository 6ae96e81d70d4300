//! In which order the lines of a block run.
//!
//! Elementwise lines that can be one chain should follow each other: each array is then read and written once. So every
//! line gets a *level*: how many chains come before it on the longest way that leads to it. It runs as late as those
//! that read it allow, and lines of one level that hand values on to each other run together, behind all that they read.

use super::compiler::Compiler;
use super::fuse::Line;

/// What a line reads.
struct Read {
    /// The number of the line that computes it, in the list.
    from: usize,
    /// Whether both can be links of one chain.
    chained: bool,
}

/// Lines that run together, in the order of the tape.
#[derive(Default)]
struct Group {
    lines: Vec<usize>,
    /// The groups that compute what they read.
    reads: Vec<usize>,
}

impl Compiler<'_> {
    /// The lines `body`, which are in the order of the tape, in the order in which they run: what a value that nothing
    /// reads, an output or a sum over examples, is made of, and then the next one.
    pub(super) fn ordered(&self, body: &[usize]) -> Vec<usize> {
        let reads = self.reads(body);
        let levels = levels(&reads);
        let (group_of, groups) = groups(&reads, &levels);
        let mut is_read = vec![false; body.len()];
        reads.iter().flatten().for_each(|read| is_read[read.from] = true);
        let mut done = vec![false; groups.len()];
        let mut order = Vec::with_capacity(body.len());
        for end in (0..body.len()).filter(|&k| !is_read[k]) {
            // Groups on the way, each with how many of those that it reads have been looked at.
            let mut way = vec![(group_of[end], 0)];
            while let Some((group, looked)) = way.last_mut() {
                let (number, next) = (*group, groups[*group].reads.get(*looked));
                *looked += 1;
                match next {
                    Some(&next) if !done[number] => way.push((next, 0)),
                    _ => {
                        if !std::mem::replace(&mut done[number], true) {
                            order.extend(groups[number].lines.iter().map(|&k| body[k]));
                        }
                        way.pop();
                    }
                }
            }
        }
        order
    }

    /// What each line of a list reads of the others.
    fn reads(&self, body: &[usize]) -> Vec<Vec<Read>> {
        let lines: Vec<Line<'_>> = body.iter().map(|&n| self.line(n, self.storage(n))).collect();
        let mut number = vec![None; self.tape.nodes().len()];
        body.iter().enumerate().for_each(|(k, &line)| number[line] = Some(k));
        let of = |line: &Line<'_>| {
            let read = |(k, operand): (usize, &crate::tape::Operand)| {
                let from = number[operand.node.index()]?;
                Some(Read { from, chained: line.continues(&lines[from], k) })
            };
            line.node.operands.iter().enumerate().filter_map(read).collect()
        };
        lines.iter().map(of).collect()
    }
}

/// The level of each line: the lowest that those allow which it reads if nothing reads it, else the highest that those
/// allow which read it.
fn levels(reads: &[Vec<Read>]) -> Vec<usize> {
    let mut lowest = vec![0; reads.len()];
    for (k, reads) in reads.iter().enumerate() {
        lowest[k] =
            reads.iter().map(|read| lowest[read.from] + usize::from(!read.chained)).max().unwrap_or(0);
    }
    let mut levels = vec![usize::MAX; reads.len()];
    for (k, reads) in reads.iter().enumerate().rev() {
        if levels[k] == usize::MAX {
            levels[k] = lowest[k];
        }
        for read in reads {
            levels[read.from] = levels[read.from].min(levels[k] - usize::from(!read.chained));
        }
    }
    levels
}

/// The group of each line, and the groups: no way leads from a group back to it, since each step out of one leads to a
/// higher level.
fn groups(reads: &[Vec<Read>], levels: &[usize]) -> (Vec<usize>, Vec<Group>) {
    let mut first: Vec<usize> = (0..reads.len()).collect();
    let root = |first: &[usize], mut k: usize| {
        while first[k] != k {
            k = first[k];
        }
        k
    };
    for (k, reads) in reads.iter().enumerate() {
        for read in reads.iter().filter(|read| read.chained && levels[read.from] == levels[k]) {
            let [a, b] = [root(&first, k), root(&first, read.from)];
            first[a.max(b)] = a.min(b);
        }
    }
    let (mut group_of, mut groups) = (vec![0; reads.len()], Vec::<Group>::new());
    for k in 0..reads.len() {
        let root = root(&first, k);
        if root == k {
            groups.push(Group::default());
        }
        group_of[k] = if root == k { groups.len() - 1 } else { group_of[root] };
        groups[group_of[k]].lines.push(k);
    }
    for (number, group) in groups.iter_mut().enumerate() {
        let from = group.lines.iter().flat_map(|&k| reads[k].iter().map(|read| group_of[read.from]));
        group.reads = from.filter(|&other| other != number).collect();
        group.reads.sort_unstable();
        group.reads.dedup();
    }
    (group_of, groups)
}
