//! The tokens of one line, with one token of look-ahead.

use std::fmt;

/// What a line is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// A name, a function, a letter, `sum_i`, `nan`.
    Word(&'a str),
    /// A name in backticks.
    Quoted(&'a str),
    /// A number without sign, not read yet.
    Digits(&'a str),
    /// Anything else.
    Sign(char),
    /// The end of the line.
    End,
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(text) | Token::Quoted(text) | Token::Digits(text) => write!(f, "`{text}`"),
            Token::Sign(sign) => write!(f, "`{}`", sign.escape_debug()),
            Token::End => f.write_str("the end of the line"),
        }
    }
}

/// What a line holds, or why it was refused.
pub(super) type Parsed<T> = Result<T, String>;

/// A line of text on its way through the parser. A comment is not part of it.
pub(super) struct Lexer<'a> {
    /// The next token, and what follows it.
    token: Token<'a>,
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        let (token, rest) = split_token(line.split('#').next().unwrap_or_default());
        Lexer { token, rest }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.token == Token::End
    }

    pub(super) fn next(&mut self) -> Token<'a> {
        let (following, rest) = split_token(self.rest);
        self.rest = rest;
        std::mem::replace(&mut self.token, following)
    }

    pub(super) fn peek(&self) -> Token<'a> {
        self.token
    }

    /// The token after the next one.
    pub(super) fn peek_second(&self) -> Token<'a> {
        split_token(self.rest).0
    }

    /// Takes the next token if it is `sign`.
    pub(super) fn take(&mut self, sign: char) -> bool {
        let found = self.peek() == Token::Sign(sign);
        if found {
            self.next();
        }
        found
    }

    pub(super) fn expect(&mut self, sign: char, whereabouts: &str) -> Parsed<()> {
        match self.next() {
            Token::Sign(found) if found == sign => Ok(()),
            found => Err(format!("expected `{sign}` {whereabouts}, found {found}")),
        }
    }

    pub(super) fn expect_end(&mut self) -> Parsed<()> {
        match self.next() {
            Token::End => Ok(()),
            found => Err(format!("expected the end of the line, found {found}")),
        }
    }

    /// A count or a place: digits only.
    pub(super) fn integer(&mut self) -> Parsed<usize> {
        let token = self.next();
        let digits = if let Token::Digits(text) = token { text.parse().ok() } else { None };
        digits.ok_or_else(|| format!("expected an integer that fits this machine, found {token}"))
    }

    /// Whether a number comes next (its sign aside).
    pub(super) fn at_number(&self) -> bool {
        match self.peek() {
            Token::Digits(_) => true,
            Token::Word(word) => special(word).is_some() && self.peek_second() != Token::Sign('['),
            _ => false,
        }
    }

    /// A number without sign.
    pub(super) fn magnitude(&mut self) -> Parsed<f64> {
        let token = self.next();
        let number = match token {
            Token::Digits(text) => text.parse().ok(),
            Token::Word(word) => special(word),
            _ => None,
        };
        number.ok_or_else(|| format!("expected a number, found {token}"))
    }

    /// A number, perhaps with a minus.
    pub(super) fn number(&mut self) -> Parsed<f64> {
        let minus = self.take('-');
        self.magnitude().map(|x| if minus { -x } else { x })
    }
}

/// `inf`, `nan`, and a NaN with its bits.
fn special(word: &str) -> Option<f64> {
    match word {
        "inf" => Some(f64::INFINITY),
        "nan" => Some(f64::NAN),
        _ => {
            let bits = u64::from_str_radix(word.strip_prefix("nan0x")?, 16).ok()?;
            Some(f64::from_bits(bits)).filter(|x| x.is_nan() && x.is_sign_positive())
        }
    }
}

fn split_token(text: &str) -> (Token<'_>, &str) {
    let text = text.trim_start();
    let Some(first) = text.chars().next() else { return (Token::End, "") };
    if first.is_ascii_digit() {
        let (digits, rest) = text.split_at(number_length(text));
        return (Token::Digits(digits), rest);
    }
    if first.is_alphanumeric() || first == '_' {
        let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.')).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        return (Token::Word(word), rest);
    }
    let rest = &text[first.len_utf8()..];
    match rest.split_once('`') {
        Some((name, rest)) if first == '`' => (Token::Quoted(name), rest),
        _ => (Token::Sign(first), rest),
    }
}

/// Digits, a point, and an exponent with its sign.
fn number_length(text: &str) -> usize {
    let mut previous = ' ';
    text.find(|c: char| {
        let part = c.is_ascii_alphanumeric()
            || c == '.'
            || (matches!(c, '+' | '-') && matches!(previous, 'e' | 'E'));
        previous = c;
        !part
    })
    .unwrap_or(text.len())
}
