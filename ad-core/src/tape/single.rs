//! A tape for single calls.

use std::sync::Arc;

use smallvec::SmallVec;

use super::{Builder, Dims, Extent, Label, Labels, NodeId, Op, Operand, Tape};

impl Tape {
    /// The same tape for one example, without the example index: all its inputs are shared, and [`Runner::bind`] computes
    /// all of it. A program of it has the indices of the field in its vector registers, where one that runs blocks would
    /// fill them with copies of the one example; for single calls it is several times faster. Sums are taken in other
    /// orders, so that the last digits may differ.
    ///
    /// [`Runner::bind`]: crate::Runner::bind
    ///
    /// ```
    /// use ad_core::{Elementary, Tape};
    ///
    /// let layer = Tape::record(|t| [("y", t.example("x", &[3]).matmul(&t.shared("w", &[3, 4])).tanh())])?;
    /// let program = layer.of_one_example().compile::<f64>()?;
    /// let mut runner = program.runner();
    /// let (x, w) = ([0.1, 0.2, 0.3], [0.5; 12]);
    /// runner.bind(&[&x, &w])?;
    /// runner.run(0, &[])?; // reads the outputs
    /// assert!((runner.output(0)[2] - 0.3_f64.tanh()).abs() < 1e-15);
    /// # Ok::<(), ad_core::Error>(())
    /// ```
    #[must_use]
    pub fn of_one_example(&self) -> Tape {
        let mut builder = Builder::default();
        let mut places: Vec<NodeId> = Vec::with_capacity(self.nodes().len());
        for (k, node) in self.nodes().iter().enumerate() {
            let kept = |labels: &[Label]| -> Labels {
                labels.iter().copied().filter(|&l| node.extent(l) != Extent::Example).collect()
            };
            if let Op::Input(_) = node.op {
                let name = self.inputs().iter().find(|(_, id)| id.index() == k).map_or("", |(name, _)| name);
                let dims: Dims = node.dims().into_iter().filter(|d| *d != Extent::Example).collect();
                places.push(builder.input(name, &dims));
                continue;
            }
            let operands: SmallVec<[Operand; 2]> = node
                .operands
                .iter()
                .map(|o| Operand { node: places[o.node.index()], labels: kept(&o.labels) })
                .collect();
            let (out, counted) = (kept(&node.out), kept(&node.counted()));
            let op = match &node.op {
                Op::Rule(rule, k) => Op::Rule(Arc::new(rule.of_one_example()), *k),
                op => op.clone(),
            };
            places.push(builder.emit(&op, operands, &out, &node.extents, &counted));
        }
        let outputs: Vec<(String, NodeId)> =
            self.outputs().iter().map(|(name, id)| (name.clone(), places[id.index()])).collect();
        builder.finish(&builder.inputs.clone(), &outputs)
    }
}
