//! The letters of one line.

use super::lexer::{Lexer, Parsed, Token};
use crate::tape::{Dims, Extent, Label, Labels};

/// An index as it is written: a letter, and perhaps how far it runs.
pub(super) type Index<'a> = (&'a str, Option<usize>);

pub(super) fn index<'a>(line: &mut Lexer<'a>) -> Parsed<Index<'a>> {
    Ok((letter(line)?, extent(line)?))
}

pub(super) fn extent(line: &mut Lexer<'_>) -> Parsed<Option<usize>> {
    if line.take(':') { line.integer().map(Some) } else { Ok(None) }
}

pub(super) fn letter<'a>(line: &mut Lexer<'a>) -> Parsed<&'a str> {
    match line.next() {
        Token::Word(word) => check_letter(word),
        found => Err(format!("expected an index letter, found {found}")),
    }
}

/// A letter, and perhaps digits.
pub(super) fn check_letter(word: &str) -> Parsed<&str> {
    let mut bytes = word.bytes();
    let fits = bytes.next().is_some_and(|b| b.is_ascii_alphabetic()) && bytes.all(|b| b.is_ascii_digit());
    if fits { Ok(word) } else { Err(format!("`{word}` is no index: a letter and perhaps digits")) }
}

/// The letters of one line, by number, and how far they run.
#[derive(Default)]
pub(super) struct Letters<'a> {
    names: Vec<&'a str>,
    extents: Vec<Option<Extent>>,
}

impl<'a> Letters<'a> {
    /// Numbers some letters; `dims` are those of the value that they read.
    pub(super) fn read(&mut self, indices: &[Index<'a>], dims: Option<&Dims>) -> Parsed<Labels> {
        if let Some(wrong) = dims.filter(|dims| dims.len() != indices.len()) {
            return Err(format!(
                "a value of {} dimensions is read along {} indices",
                wrong.len(),
                indices.len()
            ));
        }
        let mut labels = Labels::new();
        for (k, &(name, given)) in indices.iter().enumerate() {
            let label = self.number(name)?;
            let known =
                [dims.map(|d| d[k]), given.map(Extent::Fixed), (name == "e").then_some(Extent::Example)];
            for extent in known.into_iter().flatten() {
                let first = *self.extents[usize::from(label)].get_or_insert(extent);
                if (name == "e") != (extent == Extent::Example) {
                    return Err(format!(
                        "index `{name}`: examples have the letter `e`, and nothing else has"
                    ));
                }
                if first != extent {
                    return Err(format!("index `{name}` runs over {} and {}", length(first), length(extent)));
                }
            }
            labels.push(label);
        }
        Ok(labels)
    }

    /// A letter whose label is in none of the lists.
    pub(super) fn find_outside(&self, lists: &[&Labels]) -> Option<&'a str> {
        let labels = self.names.iter().zip(0..);
        labels
            .into_iter()
            .find(|(_, label)| !lists.iter().any(|list| list.contains(label)))
            .map(|(name, _)| *name)
    }

    fn number(&mut self, name: &'a str) -> Parsed<Label> {
        let place = self.names.iter().position(|n| *n == name).unwrap_or(self.names.len());
        if place == self.names.len() {
            self.names.push(name);
            self.extents.push(None);
        }
        Label::try_from(place).map_err(|_| format!("a line has at most {} indices", Label::MAX))
    }

    pub(super) fn extents(&self) -> Parsed<Dims> {
        let one = |(name, extent): (&&str, &Option<Extent>)| {
            extent.ok_or_else(|| format!("it is not said how far index `{name}` runs: write `{name}:3`"))
        };
        self.names.iter().zip(&self.extents).map(one).collect()
    }
}

fn length(extent: Extent) -> String {
    match extent {
        Extent::Fixed(n) => n.to_string(),
        Extent::Example => "the examples".into(),
    }
}
