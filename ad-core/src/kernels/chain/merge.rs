//! Sums and products that only one other sum or product reads become one with it: each pass that is saved reads and writes a
//! strip less.

use super::{Argument, Function, Link};

/// A sum or product of two.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Arithmetic {
    /// `c[0] a + c[1] b`.
    Sum([f64; 2]),
    /// `alpha a b`.
    Product(f64),
}

/// What a link computes, if it is a sum or product of two.
fn step(link: &Link) -> Option<Arithmetic> {
    match (&link.function, link.arguments.len()) {
        (Function::Product(alpha), 2) if !link.accumulates => Some(Arithmetic::Product(*alpha)),
        (Function::Sum(c), 2) => Some(Arithmetic::Sum([c[0], c[1]])),
        _ => None,
    }
}

/// The links with those merged that can be; `rows` tells of each array that is read whether it has rows.
pub(super) fn merge(links: Vec<Link>, rows: &[bool]) -> Vec<Link> {
    let mut readers = vec![0; links.len()];
    for argument in links.iter().flat_map(|link| &link.arguments) {
        if let Argument::Temporary(value) = *argument {
            readers[value] += 1;
        }
    }
    let mut merged: Vec<Option<Link>> = links.into_iter().map(Some).collect();
    for n in 0..merged.len() {
        let Some(mut link) = merged[n].take() else { continue };
        for k in 0..link.arguments.len() {
            let Argument::Temporary(value) = link.arguments[k] else { continue };
            let inner = merged[value].as_ref().filter(|inner| readers[value] == 1 && inner.write.is_none());
            if let Some(both) = inner.and_then(|inner| joined(inner, &link, k, rows)) {
                merged[value] = None;
                link = both;
                break;
            }
        }
        merged[n] = Some(link);
    }
    // Values are counted anew.
    let mut places = vec![0; merged.len()];
    let mut links: Vec<Link> = Vec::new();
    for (n, mut link) in merged.into_iter().enumerate().filter_map(|(n, link)| Some((n, link?))) {
        for argument in &mut link.arguments {
            if let Argument::Temporary(value) = argument {
                *value = places[*value];
            }
        }
        places[n] = links.len();
        links.push(link);
    }
    links
}

/// `inner` and `link`, which reads it as argument `k`, as one.
fn joined(inner: &Link, link: &Link, k: usize, rows: &[bool]) -> Option<Link> {
    let first = step(inner)?;
    let mut arguments = inner.arguments.clone();
    let function = match &link.function {
        Function::Product(alpha)
            if link.arguments.len() == 1 && !link.accumulates && first == Arithmetic::Product(1.0) =>
        {
            Function::Product(*alpha)
        }
        _ => {
            let second = step(link)?;
            arguments.push(link.arguments[1 - k]);
            Function::Pair { first, second, at: k }
        }
    };
    let is_number = |argument: &&Argument| matches!(argument, Argument::Read(k) if !rows[*k]);
    let few = arguments.len() < 3 || arguments.iter().filter(is_number).count() < 2;
    few.then(|| Link { function, arguments, ..link.clone() })
}
