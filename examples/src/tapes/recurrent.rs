//! The loss of a recurrent network.

use ad_core::{Elementary, Program, Recorder, Result, Runner, Tape, Tracer};

use super::Gradient;
use crate::problems::pass_layer;

/// The loss of [`recurrent_loss`](crate::problems::recurrent_loss).
///
/// Forward, one step follows another, in numbers. Once the states are known, what differentiates a layer is the same tape
/// for all steps at once, which are its examples. Bits do not meet in a layer: its Jacobians are diagonal, and the product
/// with a vector of ones is all of one. Through these, cotangents go back from step to step, a few products each; and those
/// of the parameters are a sum over all steps again, on another tape. So is the loss.
pub struct Recurrent {
    layers: usize,
    bits: usize,
    slopes: Runner<f64, Program<f64>>,
    pull: Runner<f64, Program<f64>>,
    loss: Gradient,
}

impl Recurrent {
    /// Of so many layers and bits, on so many characters.
    ///
    /// # Errors
    /// Where there are too many for an address.
    pub fn new(layers: usize, bits: usize, characters: usize) -> Result<Self> {
        let slopes = Tape::record(|t| {
            let (inputs, outputs) = record_layer(t, bits);
            let ones = t.full(&[bits], 1.0);
            let mut slopes = Vec::new();
            for (input, from) in inputs.iter().zip(["at", "hidden", "cell"]) {
                let moved = t.push_forward(&[(input, &ones)], &[&outputs[0], &outputs[1]]);
                let to = [format!("hidden_by_{from}"), format!("cell_by_{from}")];
                slopes.extend(to.into_iter().zip(moved));
            }
            slopes
        })?;
        let layer = Tape::record(|t| {
            let [hidden, cell] = record_layer(t, bits).1;
            [("hidden_after", hidden), ("cell_after", cell)]
        })?;
        let scale = -1.0 / ((characters - 1) * bits) as f64;
        let loss = Tape::record(|t| {
            let (hidden, next) = (t.example("hidden", &[bits]), t.example("next", &[bits]));
            let out = hidden * t.shared("weight", &[bits]) + t.shared("bias", &[bits]);
            let log = (out.exp().sum() + 2.0).ln();
            [("y", ((out - log).dot(&next) * scale).sum_examples())]
        })?;
        Ok(Recurrent {
            layers,
            bits,
            slopes: slopes.compile()?.into_runner(),
            pull: layer.vjp(&["layer"])?.compile()?.into_runner(),
            loss: Gradient::new(&loss, &["hidden", "weight", "bias"])?,
        })
    }

    /// The value and the gradient.
    ///
    /// # Errors
    /// Where sizes differ from those that were said.
    pub fn gradient(&mut self, x: &[f64], state: &[f64], sequence: &[f64]) -> Result<(f64, Vec<f64>)> {
        let b = self.bits;
        let steps = sequence.len() / b - 1;
        let (layers, outer) = x.split_at(8 * self.layers * b);
        let mut at: Vec<f64> = sequence[..steps * b]
            .chunks(b)
            .flat_map(|now| now.iter().zip(outer).map(|(x, w)| x * w))
            .collect();
        let mut passes = Vec::new();
        for (layer, state) in layers.chunks(8 * b).zip(state.chunks(2 * b)) {
            let pass = Pass::forward(layer, state, at);
            at = pass.hidden[b..].to_vec();
            passes.push(pass);
        }
        let (weight, bias) = (&outer[b..2 * b], &outer[2 * b..]);
        let (value, bars) = self.loss.at(steps, &[&at, &sequence[b..], weight, bias])?;
        let (top_bar, outer_bar) = bars.split_at(steps * b);
        let (mut bar, mut gradient) = (top_bar.to_vec(), vec![0.0; layers.len()]);
        for ((layer, own), pass) in layers.chunks(8 * b).zip(gradient.chunks_mut(8 * b)).zip(passes).rev() {
            let inputs = [layer, &pass.at, &pass.hidden[..steps * b], &pass.cell[..steps * b]];
            self.slopes.call(steps, &inputs)?;
            let (below, bars) = back(self.slopes.outputs(), bar, b);
            let [layer, at, hidden, cell] = inputs;
            self.pull.call(steps, &[layer, at, hidden, cell, &bars[0], &bars[1]])?;
            own.copy_from_slice(self.pull.output(2));
            bar = below;
        }
        let mut first_bar = vec![0.0; b];
        for (bars, now) in bar.chunks(b).zip(sequence.chunks(b)) {
            first_bar
                .iter_mut()
                .zip(bars.iter().zip(now))
                .for_each(|(total, (bar, now))| *total += bar * now);
        }
        Ok((value, [&gradient, &first_bar, outer_bar].concat()))
    }
}

/// Input and state, and the state after, of a step of a layer.
fn record_layer(t: &Recorder, bits: usize) -> ([Tracer; 3], [Tracer; 2]) {
    let p = t.shared("layer", &[8, bits]);
    let inputs = ["at", "hidden", "cell"].map(|name| t.example(name, &[bits]));
    let [at, hidden, cell] = &inputs;
    let gate = |g: usize, x: &Tracer| x * p.at(0, g) + p.at(0, 4 + g);
    let (forget, emit) = (gate(0, at).sigmoid(), gate(2, at).sigmoid());
    let (admit, change) = (gate(1, hidden).sigmoid(), gate(3, hidden).tanh());
    let cell_after = cell * forget + admit * change;
    let hidden_after = emit * cell_after.tanh();
    (inputs, [hidden_after, cell_after])
}

/// What went through a layer: its inputs in all steps, and its states before each and after the last.
struct Pass {
    at: Vec<f64>,
    hidden: Vec<f64>,
    cell: Vec<f64>,
}

impl Pass {
    fn forward(layer: &[f64], state: &[f64], at: Vec<f64>) -> Pass {
        let b = state.len() / 2;
        let (mut hidden, mut cell) = (state[..b].to_vec(), state[b..].to_vec());
        let mut pass = Pass { at, hidden: hidden.clone(), cell: cell.clone() };
        for at in pass.at.chunks(b) {
            pass_layer(layer, at, &mut hidden, &mut cell);
            pass.hidden.extend(&hidden);
            pass.cell.extend(&cell);
        }
        pass
    }
}

/// From the cotangents of what a layer gave in each step to those of its inputs, and of its states after each step. Slopes
/// are of hidden value and cell, by the input, by the hidden value before, and by the cell before.
fn back(slopes: &[Vec<f64>], hidden_bar: Vec<f64>, b: usize) -> (Vec<f64>, [Vec<f64>; 2]) {
    let n = hidden_bar.len();
    let (mut below, mut bars) = (vec![0.0; n], [hidden_bar, vec![0.0; n]]);
    let mut before = vec![[0.0; 2]; b];
    for i in (0..n).rev() {
        let [hidden_before, cell_before] = &mut before[i % b];
        bars[0][i] += *hidden_before;
        bars[1][i] = *cell_before;
        let pull = |k: usize| bars[0][i] * slopes[2 * k][i] + bars[1][i] * slopes[2 * k + 1][i];
        below[i] = pull(0);
        *hidden_before = pull(1);
        *cell_before = pull(2);
    }
    (below, bars)
}
