//! The rules that a tape calls, where it calls them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::map::{Map, randomize};
use super::{Choices, Tester};
use crate::error::{Error, Result};
use crate::eval::Array;
use crate::tape::{NodeId, Op, RuleTape, Tape};

impl Tester {
    /// Each rule of a tape, at the arguments it is called with.
    pub(super) fn rules(&self, tape: &Tape, examples: usize, inputs: &[Array]) -> Result<()> {
        let values = tape.values(examples, inputs, &HashMap::new());
        let mut seen = HashSet::new();
        for node in tape.nodes() {
            // A call marks each of its values that is used, perhaps not the first.
            let Op::Rule(rule, _) = &node.op else { continue };
            if !seen.insert((rule, &node.operands)) {
                continue;
            }
            let arguments = &node.operands[rule.values()..];
            let x: Vec<Array> = arguments.iter().map(|o| values[o.node.index()].clone()).collect();
            self.ruled(rule, examples, &x)
                .map_err(|error| Error::new(format!("rule `{}`: {error}", rule.name())))?;
        }
        Ok(())
    }

    fn ruled(&self, rule: &Arc<RuleTape>, examples: usize, x: &[Array]) -> Result<()> {
        let call = called(rule, x.len())?;
        let names: Vec<&str> = call.inputs().iter().map(|(name, _)| name.as_str()).collect();
        let forward = call.linearize(&names)?;
        self.differences(&call, &Map::new(&forward, examples, x))?;
        if rule.has_vjp() { self.one_derivative(rule, examples, x, &call) } else { Ok(()) }
    }

    /// `<y_bar, J x_dot> = <J^T y_bar, x_dot>` for the two products that a rule came with.
    fn one_derivative(&self, rule: &RuleTape, examples: usize, x: &[Array], call: &Tape) -> Result<()> {
        let (n, m) = (x.len(), rule.values());
        let y = call.eval(examples, x)?;
        for direction in 0..self.directions {
            let mut choices = Choices::from_seed(self.seed ^ 0x20e ^ direction as u64);
            let (mut x_dot, mut y_bar) = (x.to_vec(), y.clone());
            randomize(&mut x_dot, &mut choices);
            randomize(&mut y_bar, &mut choices);
            let results = rule.tape().eval(examples, &[x, &y, &x_dot, &y_bar].concat())?;
            let (y_dot, x_bar) = (&results[m..2 * m], &results[2 * m..2 * m + n]);
            self.dual([&y_bar, y_dot], [x_bar, &x_dot]).map_err(|error| {
                Error::new(format!("by its jvp and by its vjp, random direction {direction}: {error}"))
            })?;
        }
        Ok(())
    }
}

/// A tape that calls a rule, and nothing else.
fn called(rule: &Arc<RuleTape>, arguments: usize) -> Result<Tape> {
    Tape::record(|t| {
        let inputs = &rule.tape().inputs()[..arguments];
        let x: Vec<NodeId> = inputs.iter().map(|input| t.input_like(rule.tape(), input).node()).collect();
        let values = rule.call(&t.builder, &x).into_iter().map(|id| t.tracer(id));
        values.enumerate().map(|(k, value)| (format!("y{k}"), value)).collect::<Vec<_>>()
    })
}
