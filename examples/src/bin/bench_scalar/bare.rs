//! A yardstick: the least that recording one node an operation costs. No checks, no constants, one recording, a list of
//! a fixed length, and a thread that never gives its memory back. What safe Rust adds is the check of an index.

use std::cell::Cell;
use std::ops::{Add, Div, Mul, Neg, Sub};

use examples::problems::Number;

/// The places of the operands and the slopes along them; 24 bytes. Place 0 is that of constants.
#[derive(Clone, Copy)]
struct Node {
    slopes: [f64; 2],
    operands: [u32; 2],
}

thread_local! {
    static NODES: Cell<&'static [Cell<Node>]> = const { Cell::new(&[]) };
    static LENGTH: Cell<u32> = const { Cell::new(0) };
}

/// A value and its place; 16 bytes.
#[derive(Clone, Copy)]
pub(crate) struct Bare {
    value: f64,
    place: u32,
}

/// Makes room for so many nodes, for good.
pub(crate) fn reserve(nodes: usize) {
    let empty = Cell::new(Node { slopes: [0.0; 2], operands: [0; 2] });
    NODES.set(Box::leak(vec![empty; nodes].into_boxed_slice()));
}

/// The gradient of `f` at `x`, and how many nodes were recorded.
pub(crate) fn gradient(
    f: impl FnOnce(&[Bare]) -> Bare,
    x: &[f64],
    cotangents: &mut Vec<f64>,
) -> (Vec<f64>, usize) {
    LENGTH.set(1);
    let x: Vec<Bare> = x.iter().map(|&x| push(x, [0.0; 2], [0; 2])).collect();
    let y = f(&x);
    let length = LENGTH.get() as usize;
    cotangents.clear();
    cotangents.resize(length, 0.0);
    cotangents[y.place as usize] = 1.0;
    let nodes = &NODES.get()[..length];
    for (k, node) in nodes.iter().enumerate().rev() {
        let (node, y_bar) = (node.get(), cotangents[k]);
        cotangents[node.operands[0] as usize] += y_bar * node.slopes[0];
        cotangents[node.operands[1] as usize] += y_bar * node.slopes[1];
    }
    (x.iter().map(|x| cotangents[x.place as usize]).collect(), length)
}

#[inline]
fn push(value: f64, slopes: [f64; 2], operands: [u32; 2]) -> Bare {
    let place = LENGTH.get();
    NODES.get()[place as usize].set(Node { slopes, operands });
    LENGTH.set(place + 1);
    Bare { value, place }
}

impl Bare {
    #[inline]
    fn of_one(self, value: f64, slope: f64) -> Bare {
        push(value, [slope, 0.0], [self.place, 0])
    }

    #[inline]
    fn of_two(self, other: Bare, value: f64, slopes: [f64; 2]) -> Bare {
        push(value, slopes, [self.place, other.place])
    }
}

impl Add for Bare {
    type Output = Bare;
    #[inline]
    fn add(self, other: Bare) -> Bare {
        self.of_two(other, self.value + other.value, [1.0, 1.0])
    }
}

impl Sub for Bare {
    type Output = Bare;
    #[inline]
    fn sub(self, other: Bare) -> Bare {
        self.of_two(other, self.value - other.value, [1.0, -1.0])
    }
}

impl Mul for Bare {
    type Output = Bare;
    #[inline]
    fn mul(self, other: Bare) -> Bare {
        self.of_two(other, self.value * other.value, [other.value, self.value])
    }
}

impl Div for Bare {
    type Output = Bare;
    #[inline]
    fn div(self, other: Bare) -> Bare {
        let inverse = 1.0 / other.value;
        let value = self.value * inverse;
        self.of_two(other, value, [inverse, -value * inverse])
    }
}

impl Neg for Bare {
    type Output = Bare;
    #[inline]
    fn neg(self) -> Bare {
        self.of_one(-self.value, -1.0)
    }
}

impl Add<f64> for Bare {
    type Output = Bare;
    #[inline]
    fn add(self, c: f64) -> Bare {
        Bare { value: self.value + c, ..self }
    }
}

impl Mul<f64> for Bare {
    type Output = Bare;
    #[inline]
    fn mul(self, c: f64) -> Bare {
        self.of_one(self.value * c, c)
    }
}

impl Number for Bare {
    #[inline]
    fn constant(c: f64) -> Self {
        Bare { value: c, place: 0 }
    }
    #[inline]
    fn plain(self) -> f64 {
        self.value
    }
    #[inline]
    fn less_than(c: f64, x: Self) -> Self {
        x.of_one(c - x.value, -1.0)
    }
    #[inline]
    fn over(c: f64, x: Self) -> Self {
        let inverse = 1.0 / x.value;
        x.of_one(c * inverse, -c * inverse * inverse)
    }
    #[inline]
    fn exp(self) -> Self {
        let y = self.value.exp();
        self.of_one(y, y)
    }
    #[inline]
    fn ln(self) -> Self {
        self.of_one(self.value.ln(), 1.0 / self.value)
    }
    #[inline]
    fn sin(self) -> Self {
        let (sin, cos) = self.value.sin_cos();
        self.of_one(sin, cos)
    }
    #[inline]
    fn cos(self) -> Self {
        let (sin, cos) = self.value.sin_cos();
        self.of_one(cos, -sin)
    }
    #[inline]
    fn sqrt(self) -> Self {
        let y = self.value.sqrt();
        self.of_one(y, 0.5 / y)
    }
    #[inline]
    fn tanh(self) -> Self {
        let y = self.value.tanh();
        self.of_one(y, 1.0 - y * y)
    }
}
