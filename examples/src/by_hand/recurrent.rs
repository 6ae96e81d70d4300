//! The loss of a recurrent network.

/// What one layer computed in one step, of each bit.
#[derive(Clone, Copy, Default)]
struct Gates {
    forget: f64,
    admit: f64,
    emit: f64,
    change: f64,
    /// The hyperbolic tangent of the cell.
    bounded: f64,
    /// What came in, and the state before.
    at: f64,
    hidden: f64,
    cell: f64,
}

/// The loss of [`recurrent_loss`](crate::problems::recurrent_loss) and its gradient.
pub fn recurrent(x: &[f64], state: &[f64], sequence: &[f64], bits: usize) -> (f64, Vec<f64>) {
    let b = bits;
    let (layers, outer) = x.split_at(x.len() - 3 * b);
    let (l, steps) = (layers.len() / (8 * b), sequence.len() / b - 1);
    let mut state = state.to_vec();
    let mut kept = vec![Gates::default(); steps * l * b];
    let (mut hidden, mut out_bar) = (vec![0.0; steps * b], vec![0.0; steps * b]);
    let scale = -1.0 / (steps * b) as f64;
    let (mut total, mut at) = (0.0, vec![0.0; b]);
    for t in 0..steps {
        let (now, next) = (&sequence[t * b..][..b], &sequence[(t + 1) * b..][..b]);
        for i in 0..b {
            at[i] = outer[i] * now[i];
        }
        for ((layer, state), kept) in
            layers.chunks(8 * b).zip(state.chunks_mut(2 * b)).zip(kept[t * l * b..][..l * b].chunks_mut(b))
        {
            pass_layer(layer, &mut at, state, kept);
        }
        hidden[t * b..][..b].copy_from_slice(&at);
        let out_bar = &mut out_bar[t * b..][..b];
        let mut sum = 2.0;
        for i in 0..b {
            let out = at[i] * outer[b + i] + outer[2 * b + i];
            total += out * next[i];
            out_bar[i] = out.exp();
            sum += out_bar[i];
        }
        let many: f64 = next.iter().sum();
        total -= many * sum.ln();
        for i in 0..b {
            out_bar[i] = scale * (next[i] - many * out_bar[i] / sum);
        }
    }
    let mut gradient = vec![0.0; x.len()];
    let (layers_bar, outer_bar) = gradient.split_at_mut(layers.len());
    let mut state_bar = vec![0.0; 2 * l * b];
    for t in (0..steps).rev() {
        for i in 0..b {
            let out_bar = out_bar[t * b + i];
            outer_bar[b + i] += out_bar * hidden[t * b + i];
            outer_bar[2 * b + i] += out_bar;
            at[i] = out_bar * outer[b + i];
        }
        for k in (0..l).rev() {
            let (layer, bars) = (&layers[k * 8 * b..][..8 * b], &mut layers_bar[k * 8 * b..][..8 * b]);
            let state_bar = &mut state_bar[k * 2 * b..][..2 * b];
            pull_layer(layer, &kept[(t * l + k) * b..][..b], &mut at, state_bar, bars);
        }
        for i in 0..b {
            outer_bar[i] += at[i] * sequence[t * b + i];
        }
    }
    (scale * total, gradient)
}

/// What a layer makes of `at`, which comes out anew, and of its state, hidden and cell; it keeps its gates.
fn pass_layer(layer: &[f64], at: &mut [f64], state: &mut [f64], kept: &mut [Gates]) {
    let b = at.len();
    let (hidden, cell) = state.split_at_mut(b);
    let gate = |g: usize, i: usize, x: f64| x * layer[g * b + i] + layer[(4 + g) * b + i];
    for i in 0..b {
        let forget = sigmoid(gate(0, i, at[i]));
        let admit = sigmoid(gate(1, i, hidden[i]));
        let emit = sigmoid(gate(2, i, at[i]));
        let change = gate(3, i, hidden[i]).tanh();
        let (h, c) = (hidden[i], cell[i]);
        cell[i] = c * forget + admit * change;
        let bounded = cell[i].tanh();
        hidden[i] = emit * bounded;
        kept[i] = Gates { forget, admit, emit, change, bounded, at: at[i], hidden: h, cell: c };
    }
    at.copy_from_slice(hidden);
}

/// The transpose of [`pass_layer`] at what it kept: cotangents of `at` and of the state, in place; `bars` of the layer grow.
fn pull_layer(layer: &[f64], kept: &[Gates], at: &mut [f64], state_bar: &mut [f64], bars: &mut [f64]) {
    let b = at.len();
    let (hidden_bar, cell_bar) = state_bar.split_at_mut(b);
    for (i, g) in kept.iter().enumerate() {
        let h_bar = hidden_bar[i] + at[i];
        let c_bar = cell_bar[i] + h_bar * g.emit * (1.0 - g.bounded * g.bounded);
        let gates = [
            (c_bar * g.cell * g.forget * (1.0 - g.forget), g.at),
            (c_bar * g.change * g.admit * (1.0 - g.admit), g.hidden),
            (h_bar * g.bounded * g.emit * (1.0 - g.emit), g.at),
            (c_bar * g.admit * (1.0 - g.change * g.change), g.hidden),
        ];
        for (k, (bar, x)) in gates.into_iter().enumerate() {
            bars[k * b + i] += bar * x;
            bars[(4 + k) * b + i] += bar;
        }
        cell_bar[i] = c_bar * g.forget;
        at[i] = gates[0].0 * layer[i] + gates[2].0 * layer[2 * b + i];
        hidden_bar[i] = gates[1].0 * layer[b + i] + gates[3].0 * layer[3 * b + i];
    }
}

fn sigmoid(x: f64) -> f64 {
    1.0 / ((-x).exp() + 1.0)
}
