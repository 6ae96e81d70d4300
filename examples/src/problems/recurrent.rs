//! A recurrent network.

use super::{Draws, Number, Problem, Taped};
use crate::{by_hand, tapes};

/// The loss of a network of two layers of long short-term memory, without matrices, on 1024 characters of 8 bits.
///
/// Inputs are those of [`recurrent_loss`].
pub struct Recurrent {
    inputs: Vec<f64>,
    state: Vec<f64>,
    sequence: Vec<f64>,
}

impl Recurrent {
    const LAYERS: usize = 2;
    const LENGTH: usize = 1024;
    const BITS: usize = 8;

    /// The problem.
    #[expect(clippy::new_without_default, reason = "a problem is no default")]
    pub fn new() -> Self {
        let (l, b) = (Self::LAYERS, Self::BITS);
        let mut draws = Draws::new();
        let inputs = draws.many(8 * b * l + 3 * b, |u| u);
        let state = draws.many(2 * b * l, |u| u);
        let sequence = draws.many(Self::LENGTH * b, |u| if u < 0.5 { 0.0 } else { 1.0 });
        Recurrent { inputs, state, sequence }
    }
}

impl Problem for Recurrent {
    const NAME: &'static str = "lstm";
    const OPERATIONS: usize =
        (Self::LENGTH - 1) * Self::BITS * (1 + Self::LAYERS * 26 + 7) + Self::LENGTH - 1 + 1;
    const CHECK: f64 = 0.011_493_766_530_3;

    fn inputs(&self) -> &[f64] {
        &self.inputs
    }

    fn value<T: Number>(&self, x: &[T]) -> T {
        recurrent_loss(x, &self.state, &self.sequence, Self::BITS)
    }

    fn taped(&self) -> ad_core::Result<Taped<'_>> {
        let mut tape = tapes::Recurrent::new(Self::LAYERS, Self::BITS, Self::LENGTH)?;
        Ok(Box::new(move || tape.gradient(&self.inputs, &self.state, &self.sequence)))
    }

    fn by_hand(&self) -> Option<(f64, Vec<f64>)> {
        Some(by_hand::recurrent(&self.inputs, &self.state, &self.sequence, Self::BITS))
    }
}

/// The loss of a network on a sequence of characters of `bits` bits.
///
/// Inputs are, layer by layer, weights and biases of the gates forget, input, output, change; then weights of the input,
/// and weights and biases of the output. The state is hidden values and cells, layer by layer.
pub fn recurrent_loss<T: Number>(x: &[T], state: &[f64], sequence: &[f64], bits: usize) -> T {
    let b = bits;
    let (layers, outer) = x.split_at(x.len() - 3 * b);
    let mut state: Vec<T> = state.iter().map(|&s| T::constant(s)).collect();
    let mut total = T::constant(0.0);
    let (mut at, mut out) = (vec![total; b], vec![total; b]);
    for (now, next) in sequence.chunks(b).zip(sequence.chunks(b).skip(1)) {
        for i in 0..b {
            at[i] = outer[i] * now[i];
        }
        for (layer, state) in layers.chunks(8 * b).zip(state.chunks_mut(2 * b)) {
            let (hidden, cell) = state.split_at_mut(b);
            pass_layer(layer, &at, hidden, cell);
            at.copy_from_slice(hidden);
        }
        let mut sum = T::constant(2.0);
        for i in 0..b {
            out[i] = at[i] * outer[b + i] + outer[2 * b + i];
            sum = sum + out[i].exp();
        }
        let log = sum.ln();
        for i in 0..b {
            total = total + (out[i] - log) * next[i];
        }
    }
    total * (-1.0 / (sequence.len() - b) as f64)
}

/// What a layer makes of its input and its state, which are as long.
pub fn pass_layer<T: Number>(layer: &[T], at: &[T], hidden: &mut [T], cell: &mut [T]) {
    let b = at.len();
    let gate = |g: usize, i: usize, x: T| x * layer[g * b + i] + layer[(4 + g) * b + i];
    for i in 0..b {
        let forget = sigmoid(gate(0, i, at[i]));
        let admit = sigmoid(gate(1, i, hidden[i]));
        let emit = sigmoid(gate(2, i, at[i]));
        let change = gate(3, i, hidden[i]).tanh();
        cell[i] = cell[i] * forget + admit * change;
        hidden[i] = emit * cell[i].tanh();
    }
}

fn sigmoid<T: Number>(x: T) -> T {
    T::over(1.0, (-x).exp() + 1.0)
}
