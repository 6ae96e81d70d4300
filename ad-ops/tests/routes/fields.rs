//! Fields to take the divergence of: inputs `t`, `x` and parameters, output `x_dot`.

use ad_core::{Array, ArrayRule, Elementary, Recorder, Tape, Tracer};
use ad_ops::random::Purpose;
use proptest::prelude::*;

/// Normal numbers, reproducible.
pub(crate) fn numbers(shape: &[usize], seed: u32) -> Array {
    let mut stream = Purpose::Constant.stream(5, seed, 0);
    let n = shape.iter().product();
    Array::new(shape, (0..n).map(|_| stream.standard_normal()).collect()).unwrap()
}

/// Numbers for all inputs of a tape; matrices as a network would begin.
pub(crate) fn inputs(tape: &Tape, examples: usize, seed: u32) -> Vec<Array> {
    let of = |(k, (_, id)): (usize, &(String, ad_core::NodeId))| {
        let node = tape.node(*id);
        let shape = if node.has_example() { [vec![examples], node.shape()].concat() } else { node.shape() };
        let mut array = numbers(&shape, seed + k as u32);
        if !node.has_example() && shape.len() == 2 {
            let scale = 1.0 / (shape[0] as f64).sqrt();
            array.data.iter_mut().for_each(|w| *w *= scale);
        }
        array
    };
    tape.inputs().iter().enumerate().map(of).collect()
}

/// `x W + b`.
fn linear(t: &Recorder, name: &str, x: &Tracer, to: usize) -> Tracer {
    let from = x.shape()[0];
    x.matmul(&t.shared(&format!("{name}.w"), &[from, to])) + t.shared(&format!("{name}.b"), &[to])
}

/// Layers of these widths with tanh between them.
pub(crate) fn mlp(d: usize, hidden: &[usize]) -> Tape {
    network(d, &hidden.iter().map(|&width| Layer { width, ..Layer::default() }).collect::<Vec<_>>(), false)
}

/// `x_dot = W x + sum of branches`: each layer adds to the state what a hidden layer makes of it.
pub(crate) fn residual(d: usize, hidden: &[usize]) -> Tape {
    let blocks = hidden.iter().map(|&width| Layer { width, kind: Kind::Block, ..Layer::default() });
    network(d, &blocks.collect::<Vec<_>>(), false)
}

/// What a layer is besides a matrix and a bend.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Kind {
    /// Nothing.
    #[default]
    Plain,
    /// The state is added where the widths allow it.
    Skip,
    /// Down to the width and up again, added to the state.
    Block,
    /// Times a sigmoid of the time, as wide as the layer (concatsquash).
    Gate,
    /// Times a sigmoid of the layer's own input.
    StateGate,
    /// Time joined to the state before the matrix.
    Time,
    /// The layer in two halves that meet different functions.
    Halves,
}

/// What bends a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Bend {
    #[default]
    Tanh,
    Sin,
    Softplus,
    Swish,
    Relu,
    None,
}

impl Bend {
    fn of(self, x: &Tracer) -> Tracer {
        match self {
            Bend::Tanh => x.tanh(),
            Bend::Sin => x.sin(),
            Bend::Softplus => x.softplus(),
            Bend::Swish => x * x.sigmoid(),
            Bend::Relu => x.relu(),
            Bend::None => x.clone(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Layer {
    pub(crate) width: usize,
    pub(crate) kind: Kind,
    pub(crate) bend: Bend,
}

/// Layers, then a matrix to `d` numbers, and perhaps the state itself.
pub(crate) fn network(d: usize, layers: &[Layer], skip: bool) -> Tape {
    Tape::record(|t| {
        let time = t.example("t", &[]);
        let x = t.example("x", &[d]);
        let h =
            layers.iter().enumerate().fold(x.clone(), |h, (k, layer)| self::layer(t, &time, k, *layer, &h));
        let y = if layers.iter().all(|l| l.kind == Kind::Block) && !layers.is_empty() {
            h
        } else {
            linear(t, "last", &h, d)
        };
        [("x_dot", if skip { y - x * 0.5 } else { y })]
    })
    .unwrap()
}

fn layer(t: &Recorder, time: &Tracer, k: usize, layer: Layer, x: &Tracer) -> Tracer {
    let name = |part: &str| format!("layer{k}{part}");
    let plain = |x: &Tracer| layer.bend.of(&linear(t, &name(""), x, layer.width));
    match layer.kind {
        Kind::Skip if x.shape()[0] == layer.width => plain(x) + x,
        Kind::Plain | Kind::Skip => plain(x),
        Kind::Block => linear(t, &name(".up"), &plain(x), x.shape()[0]) + x,
        Kind::Gate => {
            let gate = time.reshape(&[1]).matmul(&t.shared(&name(".gate"), &[1, layer.width]));
            plain(x) * gate.sigmoid() + time
        }
        Kind::StateGate => plain(x) * linear(t, &name(".gate"), x, layer.width).sigmoid(),
        Kind::Time => plain(&time.reshape(&[1]).concat(&[x], 0)),
        Kind::Halves => {
            let (y, half) = (linear(t, &name(""), x, layer.width), layer.width / 2);
            let (a, b) = (y.slice(0, 0..half), y.slice(0, half..layer.width));
            layer.bend.of(&a).concat(&[&b.sin()], 0)
        }
    }
}

/// Fields that are no networks.
pub(crate) fn others() -> Vec<(&'static str, Tape)> {
    let field = |d: usize, code: &dyn Fn(&Recorder, &Tracer, &Tracer) -> Tracer| {
        Tape::record(|t| {
            let (time, x) = (t.example("t", &[]), t.example("x", &[d]));
            [("x_dot", code(t, &time, &x).to_examples())]
        })
        .unwrap()
    };
    let join = |parts: [Tracer; 3]| {
        let [a, b, c] = parts.map(|p| p.reshape(&[1]));
        a.concat(&[&b, &c], 0)
    };
    let turned = |x: &Tracer, by: usize| {
        let d = x.shape()[0];
        x.gather(0, &(0..d).map(|i| (i + by) % d).collect::<Vec<_>>())
    };
    vec![
        ("Lorenz-96", field(8, &|_, _, x| (turned(x, 1) - turned(x, 6)) * turned(x, 7) - x + 8.0)),
        (
            "Van der Pol",
            field(2, &|t, _, x| {
                let (q, p) = (x.at(0, 0), x.at(0, 1));
                let bend = (1.0 - &q * &q) * &p * t.shared("mu", &[]) - &q;
                p.reshape(&[1]).concat(&[&bend.reshape(&[1])], 0)
            }),
        ),
        (
            "rigid body",
            field(3, &|t, _, x| {
                let [a, b, c] = [0, 1, 2].map(|k| x.at(0, k));
                let i = t.shared("inertia", &[3]);
                join([&b * &c * i.at(0, 0), &a * &c * i.at(0, 1), &a * &b * i.at(0, 2)])
            }),
        ),
        (
            "Lorenz-63",
            field(3, &|_, _, x| {
                let [a, b, c] = [0, 1, 2].map(|k| x.at(0, k));
                join([(&b - &a) * 10.0, &a * (28.0 - &c) - &b, &a * &b - &c * (8.0 / 3.0)])
            }),
        ),
        ("constant", field(3, &|t, _, _| t.shared("c", &[3]))),
        ("rules", ruled(4)),
        ("linear", field(5, &|t, _, x| x.matmul(&t.shared("a", &[5, 5])))),
        ("cubic", field(4, &|_, time, x| x * x * x - x * time.sin())),
        ("radial", field(4, &|_, _, x| x.dot(x).sqrt() * x)),
        ("softmax", field(4, &|_, _, x| x.exp() / x.exp().sum())),
        ("selected", field(4, &|t, time, x| time.select(&x.tanh(), &x.matmul(&t.shared("a", &[4, 4]))))),
        ("selected where defined", field(4, &|_, _, x| positive(x).select(&x.sqrt(), &(x * x)) + x.sin())),
        (
            "particles",
            field(6, &|t, _, x| {
                let pairs = x.reshape(&[3, 2]);
                let mean = pairs.sum_axis(0) * (1.0 / 3.0);
                let moved = (pairs.clone() - mean).matmul(&t.shared("a", &[2, 2])).tanh();
                (moved - pairs).reshape(&[6])
            }),
        ),
        ("reversed", field(5, &|_, _, x| x.gather(0, &[4, 3, 2, 1, 0]).sin() * x)),
        (
            "doubled",
            field(3, &|t, _, x| {
                let y = x.gather(0, &[0, 1, 1, 2, 0]).tanh();
                y.matmul(&t.shared("a", &[5, 3]))
            }),
        ),
        ("batch mean", field(3, &|_, _, x| x.mean_examples() * x)),
        (
            "dense",
            field(3, &|t, _, x| {
                let a = x.matmul(&t.shared("a", &[3, 4])).tanh();
                let b = x.concat(&[&a], 0).matmul(&t.shared("b", &[7, 4])).tanh();
                x.concat(&[&a, &b], 0).matmul(&t.shared("c", &[11, 3]))
            }),
        ),
    ]
}

/// Where a value is positive.
fn positive(x: &Tracer) -> Tracer {
    (x * 0.0).less(x)
}

/// Networks of up to six layers, up to 80 wide.
pub(crate) fn networks() -> impl Strategy<Value = Tape> {
    let kind = prop_oneof![
        4 => Just(Kind::Plain),
        2 => Just(Kind::Skip),
        2 => Just(Kind::Block),
        1 => Just(Kind::Gate),
        1 => Just(Kind::StateGate),
        1 => Just(Kind::Time),
        1 => Just(Kind::Halves),
    ];
    let bend = prop_oneof![
        Just(Bend::Tanh),
        Just(Bend::Sin),
        Just(Bend::Softplus),
        Just(Bend::Swish),
        Just(Bend::Relu),
        Just(Bend::None)
    ];
    let width = prop_oneof![3 => 1_usize..9, 1 => 9_usize..81];
    let layer = (width, kind, bend).prop_map(|(width, kind, bend)| Layer { width, kind, bend });
    let d = prop_oneof![3 => 1_usize..6, 1 => 6_usize..40];
    (d, prop::collection::vec(layer, 0..=6), any::<bool>())
        .prop_map(|(d, layers, skip)| network(d, &layers, skip))
}

/// `tanh (x + b)` with the derivative of the user: `scale` times the true one.
pub(crate) struct Bent(pub(crate) f64);

impl ArrayRule for Bent {
    fn name(&self) -> &'static str {
        "bent"
    }

    fn value(&self, _: &Recorder, x: &[Tracer]) -> Vec<Tracer> {
        vec![(&x[0] + &x[1]).tanh()]
    }

    fn vjp(&self, _: &Recorder, _: &[Tracer], y: &[Tracer], y_bar: &[Tracer]) -> Option<Vec<Tracer>> {
        let x_bar = (1.0 - y[0].square()) * &y_bar[0] * self.0;
        Some(vec![x_bar.clone(), x_bar])
    }
}

/// Two layers that bend by a rule.
pub(crate) fn ruled(d: usize) -> Tape {
    Tape::record(|t| {
        let (time, x) = (t.example("t", &[]), t.example("x", &[d]));
        let bent = |h: &Tracer, name: &str| t.call(&Bent(1.0), &[h, &t.shared(name, &h.shape())]).remove(0);
        let h = bent(&(x.matmul(&t.shared("a", &[d, 5])) + time.sin()), "b");
        let h = bent(&h.matmul(&t.shared("c", &[5, 6])), "d");
        [("x_dot", h.matmul(&t.shared("f", &[6, d])) - &x)]
    })
    .unwrap()
}
