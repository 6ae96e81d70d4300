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
fn arithmetic(link: &Link) -> Option<Arithmetic> {
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
    let first = arithmetic(inner)?;
    let mut arguments = inner.arguments.clone();
    let function = match &link.function {
        Function::Product(alpha)
            if link.arguments.len() == 1 && !link.accumulates && first == Arithmetic::Product(1.0) =>
        {
            Function::Product(*alpha)
        }
        _ => {
            let second = arithmetic(link)?;
            arguments.push(link.arguments[1 - k]);
            Function::Pair { first, second, at: k }
        }
    };
    let is_number = |argument: &&Argument| matches!(argument, Argument::Read(k) if !rows[*k]);
    let few = arguments.len() < 3 || arguments.iter().filter(is_number).count() < 2;
    few.then(|| Link { function, arguments, ..link.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(function: Function, arguments: &[Argument]) -> Link {
        let arguments = arguments.iter().copied().collect();
        Link { function, arguments, write: None, temporary: None, accumulates: false }
    }

    fn product(alpha: f64, arguments: &[Argument]) -> Link {
        link(Function::Product(alpha), arguments)
    }

    fn sum(coefficients: &[f64], arguments: &[Argument]) -> Link {
        link(Function::Sum(coefficients.iter().copied().collect()), arguments)
    }

    /// What the links compute, by name.
    fn merged(links: Vec<Link>, rows: &[bool]) -> Vec<String> {
        let name = |link: Link| match link.function {
            Function::Pair { first, second, at } => format!("{second:?} of {first:?} at {at}"),
            function => format!("{function:?}"),
        };
        merge(links, rows).into_iter().map(|link| format!("{:?}", link.arguments) + &name(link)).collect()
    }

    #[test]
    fn neighbours_become_one_pass() {
        let (x, v) = (Argument::Read, Argument::Temporary);
        // `-2 v (1 - h^2)`: the first two lines are one, and so are the last two.
        let links = vec![
            product(1.0, &[x(0), x(0)]),
            sum(&[1.0, -1.0], &[x(1), v(0)]),
            product(1.0, &[x(2), v(1)]),
            product(-2.0, &[v(2)]),
        ];
        assert_eq!(
            merged(links, &[true, false, true]),
            [
                "[Read(0), Read(0), Read(1)]Sum([1.0, -1.0]) of Product(1.0) at 1",
                "[Read(2), Temporary(0)]Product(-2.0)"
            ]
        );
    }

    /// What is written, read twice or of another kind has a pass of its own, and so have two numbers with a third operand.
    #[test]
    fn others_stay_by_themselves() {
        let (x, v) = (Argument::Read, Argument::Temporary);
        let square = || product(1.0, &[x(0), x(0)]);
        let after = |first: Link, last: Link| merged(vec![first, last], &[true, false, false]).len();
        assert_eq!(after(square(), product(1.0, &[v(0), x(0)])), 1);
        assert_eq!(after(square(), product(1.0, &[v(0), v(0)])), 2);
        assert_eq!(after(Link { write: Some(0), ..square() }, product(1.0, &[v(0), x(0)])), 2);
        let goes_on = |link: Link| Link { write: Some(0), accumulates: true, ..link };
        assert_eq!(after(square(), goes_on(product(1.0, &[v(0), x(0)]))), 2);
        assert_eq!(after(square(), goes_on(product(2.0, &[v(0)]))), 2);
        assert_eq!(after(product(0.1, &[x(0), x(0)]), product(-2.0, &[v(0)])), 2);
        assert_eq!(after(square(), sum(&[1.0, 1.0, 1.0], &[v(0), x(0), x(0)])), 2);
        assert_eq!(after(square(), link(Function::Unary(crate::Unary::Tanh), &[v(0)])), 2);
        assert_eq!(after(product(1.0, &[x(0), x(1)]), product(1.0, &[v(0), x(0)])), 1);
        assert_eq!(after(product(1.0, &[x(0), x(1)]), product(1.0, &[v(0), x(2)])), 2);
    }
}
