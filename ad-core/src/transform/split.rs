//! One tape as two, of which the second needs little of the first: what a way back keeps of the way forward.

use super::cut::Network;
use crate::elementary::{Binary, Unary};
use crate::error::{Error, Result};
use crate::tape::{Builder, Extent, Node, NodeId, Op, Tape};

impl Tape {
    /// The tape in two parts that are run one after the other. The first computes the outputs `early`, the second all
    /// others, from the inputs `late`, which the first does not have, from the inputs `both`, and from values that the
    /// first hands on: its last outputs and inputs of the second, `residual.0`, `residual.1` .. The inputs of both are in the order of
    /// the lines.
    ///
    /// As few numbers as possible are handed on such that nothing dear (a product that sums, an elementary function, a sum over
    /// examples) is computed twice: a minimum cut, as in the recomputation of `AOTAutograd`. Sums and elementwise
    /// products are done again where that saves a value. What the first part does not need for itself is left to the second,
    /// dear or not; so is what has no examples.
    ///
    /// ```
    /// use ad_core::{Elementary, Tape};
    /// let tape = Tape::record(|t| {
    ///     let (x, w) = (t.example("x", &[3]), t.shared("w", &[3, 2]));
    ///     let y = x.matmul(&w).tanh();
    ///     let y_bar = t.example("y_bar", &[2]);
    ///     let bars = t.pull_back(&[(&y, &y_bar)], &[&x]);
    ///     [("y", y), ("x_bar", bars[0].clone())]
    /// })?;
    /// let (forward, back) = tape.split(&["y"], &["y_bar"], &["w"])?;
    /// // All that the way back needs is the value of `tanh`.
    /// assert_eq!(forward.outputs().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["y", "residual.0"]);
    /// assert_eq!(back.inputs().iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["w", "residual.0", "y_bar"]);
    /// # Ok::<(), ad_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where a name does not exist, or an output `early` depends on an input `late`.
    pub fn split(&self, early: &[&str], late: &[&str], both: &[&str]) -> Result<(Tape, Tape)> {
        self.lowered().split_lines(early, late, both)
    }

    fn split_lines(&self, early: &[&str], late: &[&str], both: &[&str]) -> Result<(Tape, Tape)> {
        let nodes = |list: &[&str]| list.iter().map(|name| self.input(name)).collect::<Result<Vec<_>>>();
        let (late, both) = (nodes(late)?, nodes(both)?);
        early.iter().try_for_each(|name| self.output(name).map(drop))?;
        let (early, rest): (Vec<_>, Vec<_>) =
            self.outputs().iter().cloned().partition(|(name, _)| early.contains(&name.as_str()));
        let mut is_early = self.ancestors(&early, &self.marked(&[]));
        if let Some((name, _)) =
            self.inputs().iter().find(|(_, id)| late.contains(id) && is_early[id.index()])
        {
            return Err(Error::new(format!(
                "an output of the first part depends on `{name}`, an input of the second"
            )));
        }
        // An input of the first part alone can be handed on, whether the first part reads it or not.
        self.inputs().iter().for_each(|(_, id)| is_early[id.index()] |= !late.contains(id));
        let residuals = self.residuals(&is_early, &late, &both, &rest);
        let named = |(k, &id): (usize, &NodeId)| (format!("residual.{k}"), id);
        let residuals: Vec<(String, NodeId)> = residuals.iter().enumerate().map(named).collect();
        let inputs = |wanted: &dyn Fn(&NodeId) -> bool| {
            self.inputs().iter().filter(|(_, id)| wanted(id)).cloned().collect::<Vec<_>>()
        };
        let first = self.part(&inputs(&|id| !late.contains(id)), &[early, residuals.clone()].concat());
        let given = inputs(&|id| late.contains(id) || both.contains(id));
        let second = self.part(&[given, residuals].concat(), &rest);
        first.verify()?;
        second.verify()?;
        Ok((first, second))
    }

    /// Which lines are on a list.
    fn marked(&self, list: &[(String, NodeId)]) -> Vec<bool> {
        let mut marked = vec![false; self.nodes().len()];
        for (_, id) in list {
            marked[id.index()] = true;
        }
        marked
    }

    /// Which lines some values depend on, themselves too, as far back as those that are given.
    fn ancestors(&self, values: &[(String, NodeId)], given: &[bool]) -> Vec<bool> {
        let mut found = self.marked(values);
        for k in (0..found.len()).rev() {
            if found[k] && !given[k] {
                self.nodes()[k].operands.iter().for_each(|o| found[o.node.index()] = true);
            }
        }
        found
    }

    /// The values that the second part takes from the first: a minimum cut between what the first part alone may compute
    /// and what the second reads.
    fn residuals(
        &self,
        is_early: &[bool],
        late: &[NodeId],
        both: &[NodeId],
        rest: &[(String, NodeId)],
    ) -> Vec<NodeId> {
        let is_needed = self.ancestors(rest, &self.marked(&[]));
        // Line `k` enters at `2 k` and leaves at `2 k + 1`.
        let (enter, leave) = (|k: usize| 2 * k, |k: usize| 2 * k + 1);
        let (source, sink) = (2 * self.nodes().len(), 2 * self.nodes().len() + 1);
        let mut network = Network::new(sink + 1);
        let given = |id: &NodeId| late.contains(id) || both.contains(id);
        let candidate = |k: usize| is_early[k] && is_needed[k] && !given(&NodeId::new(k));
        for (k, node) in self.nodes().iter().enumerate().filter(|(k, _)| is_needed[*k]) {
            if candidate(k) {
                network.connect(enter(k), leave(k), size(node));
                if is_dear(node) {
                    network.connect(source, enter(k), Network::UNBOUNDED);
                    continue;
                }
            }
            let reader = if candidate(k) { enter(k) } else { sink };
            for operand in node.operands.iter().map(|o| o.node.index()).filter(|&o| candidate(o)) {
                network.connect(leave(operand), reader, Network::UNBOUNDED);
            }
        }
        for (_, id) in rest.iter().filter(|(_, id)| candidate(id.index())) {
            network.connect(leave(id.index()), sink, Network::UNBOUNDED);
        }
        let behind = network.behind_minimum_cut(source, sink);
        let cut = |k: &usize| behind[leave(*k)] && !behind[enter(*k)];
        (0..self.nodes().len()).filter(cut).map(NodeId::new).collect()
    }

    /// The lines between values that are given and values that are wanted.
    fn part(&self, given: &[(String, NodeId)], wanted: &[(String, NodeId)]) -> Tape {
        let is_given = self.marked(given);
        let needed = self.ancestors(&[wanted, given].concat(), &is_given);
        // In the order of the whole, which decides the order of operands, and so the bits of a sum.
        let mut builder = Builder::default();
        let mut place: Vec<NodeId> = vec![NodeId::new(0); self.nodes().len()];
        for (k, node) in self.nodes().iter().enumerate().filter(|(k, _)| needed[*k]) {
            place[k] = if is_given[k] { builder.input("", &node.dims()) } else { builder.copy(node, &place) };
        }
        let mut given = given.to_vec();
        given.sort_by_key(|(_, id)| *id);
        let placed = |list: &[(String, NodeId)]| -> Vec<(String, NodeId)> {
            list.iter().map(|(name, id)| (name.clone(), place[id.index()])).collect()
        };
        builder.finish(&placed(&given), &placed(wanted))
    }
}

/// Numbers of one example; at least one, so that every line can be cut.
fn size(node: &Node) -> u64 {
    let size = node.size();
    (size as u64).max(1)
}

/// Whether a value is handed on rather than computed again. What has no examples costs nothing, as it is computed once
/// for all of them.
fn is_dear(node: &Node) -> bool {
    let has_examples = node.extents.contains(&Extent::Example);
    match &node.op {
        Op::Input(_) => true,
        Op::Contract(_) => has_examples && node.sums(),
        Op::Unary(f) => has_examples && !matches!(f, Unary::Abs | Unary::Sign | Unary::Step | Unary::Floor),
        Op::Binary(f) => has_examples && matches!(f, Binary::Pow | Binary::Atan2 | Binary::Hypot),
        Op::Constant(_)
        | Op::Add(_)
        | Op::Select
        | Op::Slice(_)
        | Op::Pad(_)
        | Op::Gather(_)
        | Op::Scatter(_)
        | Op::Reshape
        | Op::Stop
        | Op::Rule(..) => false,
    }
}
