//! A deep field in 256 dimensions whose Jacobian has a decaying spectrum.

use std::time::Instant;

use ad_core::{Elementary, Program, Tape, Tracer};
use ad_ops::hutch_pp::{self, BASIS, HutchPp, SKETCH, Sketch, Sketcher};
use ad_ops::random::Purpose;
use ad_ops::{Block, Estimator, PROBE, divergence};

use crate::{Result, moments};

const DIMS: usize = 256;
const LAYERS: usize = 4;
/// The products of an estimate.
const PRODUCTS: [usize; 2] = [12, 24];

/// What a program is fed by name.
struct Inputs {
    examples: usize,
    state: Vec<f32>,
    weights: Vec<Vec<f32>>,
}

/// `x_dot = tanh(tanh(tanh(x A0) A1) A2) A3`.
fn field() -> Result<Tape> {
    Ok(Tape::record(|t| {
        let x = t.example("x", &[DIMS]);
        let weights: Vec<Tracer> = (0..LAYERS).map(|k| t.shared(&format!("a{k}"), &[DIMS, DIMS])).collect();
        let hidden = weights[..LAYERS - 1].iter().fold(x, |h, a| h.matmul(a).tanh());
        [("x_dot", hidden.matmul(&weights[LAYERS - 1]))]
    })?)
}

impl Inputs {
    /// `A0 = Q D` and `A3 = D Q^T` with an orthogonal `Q` and `D = diag(1 / i)`; between them the identity, a little off.
    /// So the eigenvalues of the Jacobian fall as `i^-2`.
    fn new(examples: usize) -> Result<Self> {
        let normal = |which: u32, n: usize| {
            let mut stream = Purpose::Constant.stream(12, which, 0);
            (0..n).map(|_| stream.standard_normal()).collect::<Vec<f64>>()
        };
        let mut rows = vec![0.0; DIMS * DIMS];
        Block::Haar.fill(&mut Purpose::Constant.stream(12, 9, 0), DIMS, &mut rows)?;
        let q = |i: usize, j: usize| rows[j * DIMS + i] / (DIMS as f64).sqrt();
        let scale = |j: usize| 1.0 / (j + 1) as f64;
        let noise: Vec<Vec<f64>> = (0..2).map(|k| normal(k, DIMS * DIMS)).collect();
        let near = |noise: &[f64], i: usize, j: usize| {
            f64::from(u8::from(i == j)) + 0.2 / (DIMS as f64).sqrt() * noise[i * DIMS + j]
        };
        let matrix = |entry: &dyn Fn(usize, usize) -> f64| -> Vec<f32> {
            (0..DIMS * DIMS).map(|k| entry(k / DIMS, k % DIMS) as f32).collect()
        };
        let weights = vec![
            matrix(&|i, j| q(i, j) * scale(j)),
            matrix(&|i, j| near(&noise[0], i, j)),
            matrix(&|i, j| near(&noise[1], i, j)),
            matrix(&|i, j| scale(i) * q(j, i)),
        ];
        let state = normal(5, examples * DIMS).into_iter().map(|x| x as f32).collect();
        Ok(Inputs { examples, state, weights })
    }

    /// The inputs of a program, with random rows of this draw.
    fn of(&self, program: &Program<f32>, draw: u32, basis: &[f32]) -> Vec<Vec<f32>> {
        let random = |purpose: Purpose, size: usize, sign: bool| {
            let mut stream = purpose.stream(13, draw, 0);
            let next = |_| if sign { stream.sign() as f32 } else { stream.standard_normal() as f32 };
            (0..self.examples * size).map(next).collect()
        };
        let input = |port: &ad_core::Port| match &port.name[..] {
            "x" => self.state.clone(),
            BASIS => basis.to_vec(),
            PROBE => random(Purpose::Probe, port.size(), true),
            SKETCH => random(Purpose::Sketch, port.size(), false),
            name => self.weights[usize::from(name.as_bytes()[1] - b'0')].clone(),
        };
        program.inputs().iter().map(input).collect()
    }
}

/// The divergence of each example, and the gradient of their mean in the weights.
fn with_gradient(tape: &Tape) -> Result<Program<f32>> {
    let tape = Tape::record(|t| {
        let inputs = t.inputs_like(tape);
        let value = t.inline(tape, &inputs.iter().collect::<Vec<_>>())[1].clone();
        let shared: Vec<&Tracer> = inputs.iter().filter(|x| !x.has_example()).collect();
        let bars = t.pull_back(&[(&value, &t.number(1.0))], &shared);
        let bars = bars.into_iter().enumerate().map(|(k, bar)| (format!("bar{k}"), bar / t.count()));
        std::iter::once(("value".to_owned(), value)).chain(bars).collect::<Vec<_>>()
    })?;
    Ok(tape.compile()?)
}

/// Values, the gradient in one row, and the least time of the calls so far.
struct Found {
    values: Vec<f64>,
    gradient: Vec<f64>,
    seconds: f64,
}

fn call(program: &Program<f32>, inputs: &Inputs, draw: u32, basis: &[f32]) -> Result<Found> {
    let given = inputs.of(program, draw, basis);
    let start = Instant::now();
    let mut out = program.call(inputs.examples, &given.iter().map(|x| &x[..]).collect::<Vec<_>>())?;
    let seconds = start.elapsed().as_secs_f64();
    let double = |x: Vec<f32>| x.into_iter().map(f64::from).collect::<Vec<f64>>();
    let gradient = out.split_off(1).into_iter().flat_map(double).collect();
    Ok(Found { values: double(out.swap_remove(0)), gradient, seconds })
}

pub(crate) fn run(quick: bool) -> Result<()> {
    let (examples, draws) = if quick { (4, 2) } else { (64, 16) };
    let tape = field()?;
    let inputs = Inputs::new(examples)?;
    let exact = divergence(&tape, "x", "x_dot", Estimator::Exact)?;
    let program = with_gradient(&exact)?;
    let mut exact = call(&program, &inputs, 0, &[])?;
    for _ in 1..draws {
        exact.seconds = exact.seconds.min(call(&program, &inputs, 0, &[])?.seconds);
    }
    let [trace, _] = moments(&exact.values);
    println!(
        "\n{DIMS} dimensions, {LAYERS} layers, eigenvalues i^-2: mean trace {trace:.3}, value and gradient"
    );
    println!("{:>38} {:>12} {:>12} {:>12}", "", "error", "of gradient", "us an example");
    let per_example = 1e6 / examples as f64;
    println!("{:>38} {:>12} {:>12} {:>12.0}", "exact", 0, 0, exact.seconds * per_example);
    for m in PRODUCTS {
        let (third, half) = (m / 3, m / 2);
        let fresh = HutchPp { basis: third, probes: m - 2 * third };
        let stale = HutchPp { basis: half, probes: m - half };
        // A basis of weights that have moved on since by one part in a hundred.
        let sketcher = Sketcher::<f32>::new(&tape, "x", "x_dot", half, Sketch::Jacobian)?;
        let mut before = Inputs::new(examples)?;
        let mut stream = Purpose::Constant.stream(14, 0, 0);
        before.weights.iter_mut().flatten().for_each(|w| *w *= 1.0 + 0.01 * stream.standard_normal() as f32);
        let given = before.of(sketcher.program(), 1000, &[]);
        let old = sketcher.bases(examples, &given.iter().map(|x| &x[..]).collect::<Vec<_>>())?.basis;
        let ways = [
            ("Hutchinson", divergence(&tape, "x", "x_dot", Estimator::Hutchinson { probes: m })?),
            ("Hutch++, new bases", hutch_pp::fresh(&tape, "x", "x_dot", fresh, Sketch::Jacobian)?),
            ("Hutch++, old bases", hutch_pp::estimate(&tape, "x", "x_dot", stale)?),
        ];
        for (name, way) in ways {
            let program = with_gradient(&way)?;
            let (mut of_value, mut of_gradient, mut seconds) = (0.0, 0.0, f64::INFINITY);
            for draw in 0..draws {
                let found = call(&program, &inputs, draw, &old)?;
                let square =
                    |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>();
                of_value += square(&found.values, &exact.values);
                of_gradient += square(&found.gradient, &exact.gradient);
                seconds = seconds.min(found.seconds);
            }
            let n = f64::from(draws);
            let error = (of_value / n / examples as f64).sqrt();
            let name = format!("{name}, {m} products");
            let gradient = (of_gradient / n).sqrt();
            println!("{name:>38} {error:>12.5} {gradient:>12.5} {:>12.0}", seconds * per_example);
        }
    }
    Ok(())
}
