//! A linear tape at a point: a map from tangents to tangents, or cotangents to cotangents.

use super::Choices;
use crate::error::{Error, Result};
use crate::eval::Array;
use crate::tape::{Extent, NodeId, Tape, shape_of};
use crate::transform::Linear;

/// A linear map: a tape, and the values of the inputs in which it is not linear.
pub(super) struct Map<'a> {
    linear: &'a Linear,
    examples: usize,
    point: &'a [Array],
}

impl<'a> Map<'a> {
    /// The inputs that the map is linear in come after those of the point, its outputs after those of the values.
    pub(super) fn new(linear: &'a Linear, examples: usize, point: &'a [Array]) -> Self {
        Map { linear, examples, point }
    }

    pub(super) fn tape(&self) -> &'a Tape {
        self.linear.tape()
    }

    pub(super) fn point(&self) -> &'a [Array] {
        self.point
    }

    pub(super) fn examples(&self) -> usize {
        self.examples
    }

    pub(super) fn output_name(&self, output: usize) -> &'a str {
        &self.linear.outputs()[output]
    }

    /// The map applied to `x`.
    pub(super) fn apply(&self, x: &[Array]) -> Result<Vec<Array>> {
        let inputs: Vec<Array> = self.point.iter().chain(x).cloned().collect();
        let mut outputs = self.tape().eval(self.examples, &inputs)?;
        let values = outputs.len() - self.linear.outputs().len();
        Ok(outputs.split_off(values))
    }

    /// The shapes of what the map is applied to.
    fn shapes(&self) -> impl Iterator<Item = Vec<usize>> {
        let length = |d: &Extent| if let Extent::Fixed(n) = d { *n } else { self.examples };
        let inputs = &self.tape().inputs()[self.point.len()..];
        inputs.iter().map(move |(_, id)| self.tape().node(*id).dims().iter().map(length).collect())
    }

    fn zeros(&self) -> Vec<Array> {
        self.shapes().map(|shape| Array { data: vec![0.0; shape.iter().product()], shape }).collect()
    }

    /// A random argument, each element in `-1 .. 1`.
    pub(super) fn random(&self, seed: u64) -> Vec<Array> {
        let mut choices = Choices::from_seed(seed);
        let mut zeros = self.zeros();
        randomize(&mut zeros, &mut choices);
        zeros
    }

    /// A random argument that is zero but for its part `k`.
    pub(super) fn random_in(&self, k: usize, seed: u64) -> Vec<Array> {
        let mut all = self.random(seed);
        all.iter_mut().enumerate().filter(|(j, _)| *j != k).for_each(|(_, a)| a.data.fill(0.0));
        all
    }

    /// The elements of an argument: its part and the place there.
    pub(super) fn units(&self) -> Vec<(usize, usize)> {
        let sizes = self.shapes().map(|shape| shape.iter().product::<usize>());
        sizes.enumerate().flat_map(|(k, n)| (0..n).map(move |j| (k, j))).collect()
    }

    /// The argument that is 1 at one element and 0 elsewhere.
    pub(super) fn unit(&self, (part, place): (usize, usize)) -> Vec<Array> {
        let mut zeros = self.zeros();
        zeros[part].data[place] = 1.0;
        zeros
    }
}

/// Makes each element a random number in `-1 .. 1`.
pub(super) fn randomize(arrays: &mut [Array], choices: &mut Choices<'_>) {
    arrays.iter_mut().flat_map(|a| &mut a.data).for_each(|x| *x = choices.between(-1.0, 1.0));
}

/// The inner product, and the sum of the sizes of its terms.
pub(super) fn inner(a: &[Array], b: &[Array]) -> (f64, f64) {
    let terms = a.iter().zip(b).flat_map(|(a, b)| a.data.iter().zip(&b.data)).map(|(x, y)| x * y);
    terms.fold((0.0, 0.0), |(sum, size), term| (sum + term, size + term.abs()))
}

/// Whether two numbers differ by no more than the tolerance; NaN differs from all.
pub(super) fn close(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance
}

/// Whether two results of a map are equal to a tolerance.
pub(super) fn compare(law: &str, map: &Map<'_>, got: &[Array], want: &[Array], tolerance: f64) -> Result<()> {
    for (output, (got, want)) in got.iter().zip(want).enumerate() {
        let scale = want.data.iter().fold(1.0, |scale, x| scale + x.abs());
        for (place, (g, w)) in got.data.iter().zip(&want.data).enumerate() {
            if !close(*g, *w, tolerance * scale) {
                let element = describe(map.output_name(output), got, place);
                return Err(Error::new(format!("{law}: {element} is {g}, not {w}")));
            }
        }
    }
    Ok(())
}

/// An element in words: `y[2,0]`, counted from 0, the example first.
pub(super) fn describe(name: &str, array: &Array, place: usize) -> String {
    let mut rest = place;
    let mut index: Vec<String> = Vec::new();
    for n in array.shape.iter().rev() {
        index.push((rest % n).to_string());
        rest /= n;
    }
    index.reverse();
    format!("{name}[{}]", index.join(","))
}

/// The tape under names that transforms do not use: a tape may itself be a jvp or a vjp.
pub(super) fn plain_names(tape: &Tape) -> Result<Tape> {
    let (inputs, outputs) = (plain(tape.inputs()), plain(tape.outputs()));
    let same = |new: &[String], old: &[(String, NodeId)]| new.iter().eq(old.iter().map(|(name, _)| name));
    if same(&inputs, tape.inputs()) && same(&outputs, tape.outputs()) {
        return Ok(tape.clone());
    }
    Tape::record(|t| {
        let declare = |(name, (_, id)): (&String, &(String, NodeId))| {
            let shape = shape_of(&tape.node(*id).dims());
            if tape.node(*id).has_example() { t.example(name, &shape) } else { t.shared(name, &shape) }
        };
        let inputs: Vec<_> = inputs.iter().zip(tape.inputs()).map(declare).collect();
        let values = t.inline(tape, &inputs.iter().collect::<Vec<_>>());
        outputs.into_iter().zip(values).collect::<Vec<_>>()
    })
}

/// `x_dot` becomes `x_tangent`, `y_bar` becomes `y_cotangent`, and what would be there twice is numbered.
fn plain(names: &[(String, NodeId)]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for (name, _) in names {
        let stem = match (name.strip_suffix("_dot"), name.strip_suffix("_bar")) {
            (Some(stem), _) => format!("{stem}_tangent"),
            (_, Some(stem)) => format!("{stem}_cotangent"),
            _ => name.clone(),
        };
        let numbered = (2..).map(|k| format!("{stem}_{k}"));
        let free = std::iter::once(stem.clone()).chain(numbered).find(|name| !all.contains(name));
        all.push(free.unwrap_or(stem));
    }
    all
}
