//! The text form of a tape, read: what [`text`](super::text) writes, and the same with other letters, comments
//! (`# ..`) and blank lines.
//!
//! ```text
//! line     in NAME[indices]  |  vK[indices] = body  |  out NAME = NAME
//!          rule NAME                              with the lines of the rule after it, then: end
//! body     [numbers]                               an array
//!          sum_{indices} number * value * value    a contraction, each part as needed
//!          number * value + number * value ..      a sum
//!          tanh value,  value / value,  max(value, value),  select(value, value, value),  stop value
//!          value where j = i + 1                   and the other rules of local indices
//!          rule NAME.K(value, value)               value K of a rule: all its values, then its arguments
//! value    NAME[letters]
//! ```

mod letters;
mod lexer;

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::Arc;

use smallvec::SmallVec;

use self::letters::{Index, Letters, check_letter, extent, index, letter};
use self::lexer::{Lexer, Parsed, Token};
use super::recorder::is_name;
use super::rule::MAX_NESTED;
use super::text::{INFIX, is_line_name};
use super::{Coefficient, Node, NodeId, Op, Operand, RuleTape, Tape};
use crate::elementary::{Binary, Unary};
use crate::error::{Error, Result};

impl FromStr for Tape {
    type Err = Error;

    /// Reads the text form. The lines become nodes as they stand, and the tape is verified.
    ///
    /// # Errors
    /// The first line that is not understood or breaks a rule of tapes, by its number in the text.
    fn from_str(text: &str) -> Result<Tape> {
        // The tape, and the rules in each other whose end has not been read.
        let (mut parser, mut open) = (Parser::default(), Vec::new());
        for (number, line) in text.lines().enumerate() {
            let refused = |why: String| Error::new(format!("line {}: {why}", number + 1));
            let mut line = Lexer::new(line);
            match (line.peek(), line.peek_second()) {
                (Token::Word("rule"), Token::Word(name)) if open.len() < MAX_NESTED => {
                    open.push((name, std::mem::take(&mut parser)));
                    line.next();
                    line.next();
                    line.expect_end().map_err(refused)?;
                }
                (Token::Word("end"), Token::End) if !open.is_empty() => {
                    let Some((name, outer)) = open.pop() else { continue };
                    let tape = std::mem::replace(&mut parser, outer).finish()?;
                    let rule = RuleTape::new(name, tape).map_err(|error| refused(error.to_string()))?;
                    parser.rules.insert(name, Arc::new(rule));
                }
                _ => parser.line(line, number + 1).map_err(refused)?,
            }
        }
        match open.pop() {
            Some((name, _)) => Err(Error::new(format!("rule `{name}` has no `end`"))),
            None => parser.finish(),
        }
    }
}

/// What is called `v7` or by the name of an input.
#[derive(PartialEq, Eq, Hash)]
enum Name<'a> {
    Line(&'a str),
    Input(&'a str),
}

/// A value and the letters along which it is read.
struct Value<'a> {
    node: NodeId,
    indices: Vec<Index<'a>>,
}

/// The right side of a line before its letters have become numbers.
struct Body<'a> {
    op: Op,
    values: Vec<Value<'a>>,
    summed: Vec<Index<'a>>,
}

struct Parser<'a> {
    tape: Tape,
    /// Where each line of the tape stands in the text.
    numbers: Vec<usize>,
    places: HashMap<Name<'a>, NodeId>,
    rules: HashMap<&'a str, Arc<RuleTape>>,
}

impl Default for Parser<'_> {
    fn default() -> Self {
        let tape = Tape { nodes: vec![], inputs: vec![], outputs: vec![] };
        Parser { tape, numbers: vec![], places: HashMap::new(), rules: HashMap::new() }
    }
}

impl<'a> Parser<'a> {
    fn finish(self) -> Result<Tape> {
        match self.tape.broken_line() {
            Some((place, why)) => Err(Error::new(format!("line {}: {why}", self.numbers[place]))),
            None => self.tape.verify().map(|()| self.tape),
        }
    }

    fn line(&mut self, mut line: Lexer<'a>, number: usize) -> Parsed<()> {
        if line.is_empty() {
            return Ok(());
        }
        match (line.peek(), line.peek_second()) {
            (Token::Word("in"), Token::Word(_) | Token::Quoted(_)) => self.input(&mut line)?,
            (Token::Word("out"), Token::Word(_) | Token::Quoted(_)) => self.output(&mut line)?,
            (Token::Word(name), _) if is_line_name(name) => self.node(&mut line)?,
            (found, _) => return Err(format!("expected `in ..`, `v0[..] = ..` or `out ..`, found {found}")),
        }
        self.numbers.resize(self.tape.nodes.len(), number);
        line.expect_end()
    }

    fn input(&mut self, line: &mut Lexer<'a>) -> Parsed<()> {
        line.next();
        let name = plain_name(line)?;
        let out = bracketed(line)?;
        let body = Body { op: Op::Input(self.tape.inputs.len()), values: vec![], summed: vec![] };
        let id = self.define(Name::Input(name), &out, body)?;
        self.tape.inputs.push((name.to_owned(), id));
        Ok(())
    }

    fn output(&mut self, line: &mut Lexer<'a>) -> Parsed<()> {
        line.next();
        let name = plain_name(line)?;
        line.expect('=', "after the name of an output")?;
        let id = self.reference(line)?;
        self.tape.outputs.push((name.to_owned(), id));
        Ok(())
    }

    fn node(&mut self, line: &mut Lexer<'a>) -> Parsed<()> {
        let Token::Word(name) = line.next() else { return Err("expected the name of a line".into()) };
        let out = bracketed(line)?;
        line.expect('=', "after the indices of a line")?;
        let body = self.body(line, &out)?;
        self.define(Name::Line(name), &out, body).map(|_| ())
    }

    fn define(&mut self, name: Name<'a>, out: &[Index<'a>], body: Body<'a>) -> Parsed<NodeId> {
        let node = self.numbered(out, body)?;
        let id = NodeId::new(self.tape.nodes.len());
        let (Name::Line(text) | Name::Input(text)) = name;
        if self.places.insert(name, id).is_some() {
            return Err(format!("`{text}` is defined twice"));
        }
        self.tape.nodes.push(node);
        Ok(id)
    }

    /// The node that a name stands for.
    fn reference(&self, line: &mut Lexer<'a>) -> Parsed<NodeId> {
        let token = line.next();
        let name = match token {
            Token::Word(text) if is_line_name(text) => Name::Line(text),
            Token::Word(text) | Token::Quoted(text) => Name::Input(text),
            _ => return Err(format!("expected the name of a value, found {token}")),
        };
        self.places.get(&name).copied().ok_or_else(|| format!("{token} is not defined before this line"))
    }

    fn value(&self, line: &mut Lexer<'a>) -> Parsed<Value<'a>> {
        let node = self.reference(line)?;
        Ok(Value { node, indices: bracketed(line)? })
    }

    fn body(&self, line: &mut Lexer<'a>, out: &[Index<'a>]) -> Parsed<Body<'a>> {
        if line.peek() == Token::Sign('[') {
            let numbers = sequence(line, ('[', ']'), |line| line.number().map(Coefficient))?;
            return Ok(Body { op: Op::Constant(numbers.into()), values: vec![], summed: vec![] });
        }
        match (line.peek(), line.peek_second()) {
            (Token::Word(word), next) if next != Token::Sign('[') && !line.at_number() => {
                match word.strip_prefix("sum_") {
                    _ if word == "rule" => self.ruled(line),
                    Some(letter) => self.sum(line, letter),
                    None => self.function(line, word),
                }
            }
            _ => self.arithmetic(line, out),
        }
    }

    /// `sum_i product` or `sum_{i,j} product`.
    fn sum(&self, line: &mut Lexer<'a>, letter: &'a str) -> Parsed<Body<'a>> {
        line.next();
        let summed = if letter.is_empty() {
            sequence(line, ('{', '}'), index)?
        } else {
            vec![(check_letter(letter)?, extent(line)?)]
        };
        let (c, values) = self.product(line, false)?;
        Ok(Body { op: Op::Contract(Coefficient(c)), values, summed })
    }

    /// Everything that begins with a number or a value.
    fn arithmetic(&self, line: &mut Lexer<'a>, out: &[Index<'a>]) -> Parsed<Body<'a>> {
        let (c, values) = self.product(line, false)?;
        let body = |op, values| Ok(Body { op, values, summed: vec![] });
        if matches!(line.peek(), Token::Sign('+' | '-')) {
            return self.terms(line, c, values);
        }
        if let (true, [value]) = (c == 1.0, &values[..]) {
            if let Some(&(function, sign)) = INFIX.iter().find(|(_, sign)| line.peek() == Token::Sign(*sign))
            {
                line.expect(sign, "between two values")?;
                let other = self.value(line)?;
                return body(Op::Binary(function), values.into_iter().chain([other]).collect());
            }
            if line.peek() == Token::Word("where") {
                return body(rule(line, value, out)?, values);
            }
        }
        body(Op::Contract(Coefficient(c)), values)
    }

    /// The rest of a sum whose first term has been read.
    fn terms(&self, line: &mut Lexer<'a>, c: f64, first: Vec<Value<'a>>) -> Parsed<Body<'a>> {
        let mut coefficients: SmallVec<[Coefficient; 4]> = SmallVec::new();
        let mut values = Vec::new();
        let mut push = |c, mut term: Vec<Value<'a>>| match (term.pop(), term.is_empty()) {
            (Some(value), true) => {
                coefficients.push(Coefficient(c));
                values.push(value);
                Ok(())
            }
            (None, _) => {
                Err(format!("a number is no term of a sum: give it a line of its own, `v0[] = {c}`"))
            }
            _ => Err("a product is no term of a sum: give it a line of its own".to_owned()),
        };
        push(c, first)?;
        while let Token::Sign(sign @ ('+' | '-')) = line.peek() {
            line.next();
            let (c, term) = self.product(line, sign == '-')?;
            push(c, term)?;
        }
        Ok(Body { op: Op::Add(coefficients), values, summed: vec![] })
    }

    /// `-2.5 * x[i] * y[i]`, each part as needed. `minus`: a sign has been read already.
    fn product(&self, line: &mut Lexer<'a>, minus: bool) -> Parsed<(f64, Vec<Value<'a>>)> {
        let minus = minus || line.take('-');
        let number = if line.at_number() { Some(line.magnitude()?) } else { None };
        let mut values = Vec::new();
        if number.is_none() {
            values.push(self.value(line)?);
        }
        while line.take('*') {
            values.push(self.value(line)?);
        }
        let c = number.unwrap_or(1.0);
        Ok((if minus { -c } else { c }, values))
    }

    fn function(&self, line: &mut Lexer<'a>, word: &'a str) -> Parsed<Body<'a>> {
        let known = |word: &str| {
            let unary = Unary::ALL.iter().find(|f| f.name() == word).map(|f| Op::Unary(*f));
            let infix = |f: &Binary| INFIX.iter().any(|(g, _)| g == f);
            let binary = Binary::ALL.iter().find(|f| f.name() == word && !infix(f)).map(|f| Op::Binary(*f));
            let other =
                [("stop", Op::Stop), ("select", Op::Select)].into_iter().find(|(name, _)| *name == word);
            unary.or(binary).or(other.map(|(_, op)| op))
        };
        let op =
            known(word).ok_or_else(|| format!("`{word}` is neither a function nor a value with indices"))?;
        line.next();
        let values = match op {
            Op::Unary(_) | Op::Stop => vec![self.value(line)?],
            _ => sequence(line, ('(', ')'), |line| self.value(line))?,
        };
        Ok(Body { op, values, summed: vec![] })
    }

    /// `rule NAME.K(value, value)`.
    fn ruled(&self, line: &mut Lexer<'a>) -> Parsed<Body<'a>> {
        line.next();
        let token = line.next();
        let name = if let Token::Word(word) = token { word.rsplit_once('.') } else { None };
        let found = name.and_then(|(name, k)| Some(Op::Rule(self.rules.get(name)?.clone(), k.parse().ok()?)));
        let op = found
            .ok_or_else(|| format!("{token} is no value `NAME.0` of a rule that stands before this line"))?;
        let values = sequence(line, ('(', ')'), |line| self.value(line))?;
        Ok(Body { op, values, summed: vec![] })
    }

    /// The node with letters numbered in order of appearance: result, operands, what is only counted.
    fn numbered(&self, out: &[Index<'a>], body: Body<'a>) -> Parsed<Node> {
        let mut letters = Letters::default();
        let out = letters.read(out, None)?;
        let mut operands: SmallVec<[Operand; 2]> = SmallVec::new();
        for value in &body.values {
            let labels = letters.read(&value.indices, Some(&self.tape.nodes[value.node.index()].dims()))?;
            operands.push(Operand { node: value.node, labels });
        }
        let summed = letters.read(&body.summed, None)?;
        if let Some(both) = body.summed.iter().zip(&summed).find(|(_, l)| out.contains(l)) {
            return Err(format!("index `{}` is summed, and the result has it", both.0.0));
        }
        if let (Op::Contract(_), Some(loose)) = (&body.op, letters.find_outside(&[&out, &summed])) {
            return Err(format!("index `{loose}` is neither summed nor in the result"));
        }
        Ok(Node { op: body.op, operands, out, extents: letters.extents()? })
    }
}

/// The name that a line declares.
fn plain_name<'a>(line: &mut Lexer<'a>) -> Parsed<&'a str> {
    match line.next() {
        Token::Word(name) | Token::Quoted(name) if is_name(name) => Ok(name),
        found => Err(format!("expected a name, found {found}")),
    }
}

/// Items with commas between two signs.
fn sequence<'a, T>(
    line: &mut Lexer<'a>,
    (open, close): (char, char),
    mut item: impl FnMut(&mut Lexer<'a>) -> Parsed<T>,
) -> Parsed<Vec<T>> {
    line.expect(open, "before a list")?;
    let mut items = Vec::new();
    while !line.take(close) {
        if !items.is_empty() {
            line.expect(',', &format!("or `{close}` in a list"))?;
        }
        items.push(item(line)?);
    }
    Ok(items)
}

fn bracketed<'a>(line: &mut Lexer<'a>) -> Parsed<Vec<Index<'a>>> {
    sequence(line, ('[', ']'), index)
}

/// What stands after a value with local indices: `where ..`.
fn rule(line: &mut Lexer<'_>, value: &Value<'_>, out: &[Index<'_>]) -> Parsed<Op> {
    line.next();
    // The letters that only the value or only the result has, and what the rule says they are.
    let only = |a: &[Index<'_>], b: &[Index<'_>]| {
        a.iter().map(|i| i.0).filter(|l| !b.iter().any(|j| j.0 == *l)).map(str::to_owned).collect::<Vec<_>>()
    };
    let (from, to) = (only(&value.indices, out), only(out, &value.indices));
    let sides = |left: &[&str], right: &[&str]| (left == from && right == to, left == to && right == from);
    let refuse = || {
        Err(format!(
            "the rule is between `{}` of the value and `{}` of the result",
            from.join(","),
            to.join(",")
        ))
    };
    if line.peek() == Token::Sign('(') {
        let left = sequence(line, ('(', ')'), letter)?;
        line.expect('=', "in a rule")?;
        let right = sequence(line, ('(', ')'), letter)?;
        return if sides(&left, &right).1 { Ok(Op::Reshape) } else { refuse() };
    }
    let left = letter(line)?;
    line.expect('=', "in a rule")?;
    if line.peek() == Token::Sign('[') {
        let indices = sequence(line, ('[', ']'), Lexer::integer)?.into();
        let right = sequence(line, ('[', ']'), letter)?;
        return match sides(&[left], &right) {
            (true, _) => Ok(Op::Gather(indices)),
            (_, true) => Ok(Op::Scatter(indices)),
            _ => refuse(),
        };
    }
    let right = letter(line)?;
    line.expect('+', "in a rule")?;
    let start = line.integer()?;
    match sides(&[left], &[right]) {
        (true, _) => Ok(Op::Slice(start)),
        (_, true) => Ok(Op::Pad(start)),
        _ => refuse(),
    }
}
