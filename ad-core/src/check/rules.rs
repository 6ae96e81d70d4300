//! The rules that a tape calls, where it calls them.

use std::collections::HashMap;
use std::sync::Arc;

use super::Tester;
use super::map::{Map, close, inner};
use crate::error::{Error, Result};
use crate::eval::Array;
use crate::tape::{NodeId, Op, RuleTape, Tape};

impl Tester {
    /// Each rule of a tape, at the arguments it is called with.
    pub(super) fn rules(&self, tape: &Tape, examples: usize, inputs: &[Array]) -> Result<()> {
        let values = tape.values(examples, inputs, &HashMap::new());
        for node in tape.nodes() {
            let Op::Rule(rule, 0) = &node.op else { continue };
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
            let mut choices = super::Choices::from_seed(self.seed ^ 0x20e ^ direction as u64);
            let mut random = |like: &[Array]| -> Vec<Array> {
                let mut all = like.to_vec();
                all.iter_mut().flat_map(|a| &mut a.data).for_each(|x| *x = choices.between(-1.0, 1.0));
                all
            };
            let (x_dot, y_bar) = (random(x), random(&y));
            let results = rule.tape().eval(examples, &[x, &y, &x_dot, &y_bar].concat())?;
            let (y_dot, x_bar) = (&results[m..2 * m], &results[2 * m..2 * m + n]);
            let ((left, size_left), (right, size_right)) = (inner(&y_bar, y_dot), inner(x_bar, &x_dot));
            let tolerance = self.identities * (1.0 + size_left.max(size_right));
            if !close(left, right, tolerance) {
                return Err(Error::new(format!(
                    "random direction {direction}: <y_bar, J x_dot> = {left} by its jvp is not <J^T y_bar, x_dot> = \
                     {right} by its vjp (tolerance {tolerance:e})"
                )));
            }
        }
        Ok(())
    }
}

/// A tape that calls a rule, and nothing else.
fn called(rule: &Arc<RuleTape>, arguments: usize) -> Result<Tape> {
    Tape::record(|t| {
        let declare = |(name, id): &(String, NodeId)| {
            let node = rule.tape().node(*id);
            if node.has_example() { t.example(name, &node.shape()) } else { t.shared(name, &node.shape()) }
        };
        let x: Vec<NodeId> =
            rule.tape().inputs()[..arguments].iter().map(declare).map(|x| x.node()).collect();
        let values = rule.call(&t.builder, &x).into_iter().map(|id| t.tracer(id));
        values.enumerate().map(|(k, value)| (format!("y{k}"), value)).collect::<Vec<_>>()
    })
}
