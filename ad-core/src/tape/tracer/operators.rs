//! Operators, by value and by reference, with tracers and with numbers; elementary functions.

use std::ops::{Add, Div, Mul, Neg, Sub};
use std::panic::Location;

use super::{Tracer, broadcast_shape};
use crate::elementary::{Binary, Elementary, Unary};

impl Elementary for Tracer {
    fn lift(&self, c: f64) -> Self {
        let node = self.builder.borrow_mut().number(c);
        Tracer { builder: self.builder.clone(), node, void: self.void }
    }

    fn unary(&self, f: Unary) -> Self {
        if self.void { self.clone() } else { self.wrap(&self.aligned_right().unary(f)) }
    }

    #[track_caller]
    fn binary(&self, f: Binary, other: &Self) -> Self {
        self.pairwise(other, f.name(), |a, b| a.binary(f, &b))
    }

    #[track_caller]
    fn select(&self, a: &Self, b: &Self) -> Self {
        let place = Location::caller();
        if let Some(void) = [self, a, b].into_iter().find(|t| t.void) {
            return void.clone();
        }
        if let Err(error) = [a, b].into_iter().try_for_each(|t| self.check_together(t, "select", place)) {
            return Tracer::note(&self.builder, error);
        }
        let shapes = [self.shape(), a.shape(), b.shape()];
        let shape = broadcast_shape(&shapes[0], &shapes[1]).and_then(|s| broadcast_shape(&s, &shapes[2]));
        let Some(shape) = shape else {
            return self.refuse(place, format!("select: shapes {shapes:?} do not fit"));
        };
        let [mask, a, b] = [self, a, b].map(|t| t.broadcast_to(&shape).aligned_right());
        self.wrap(&mask.select(&a, &b))
    }
}

macro_rules! operator {
    ($trait:ident $method:ident $name:literal, |$a:ident, $b:ident| $rule:expr) => {
        impl $trait<&Tracer> for &Tracer {
            type Output = Tracer;
            #[track_caller]
            fn $method(self, other: &Tracer) -> Tracer {
                self.pairwise(other, $name, |$a, $b| $rule)
            }
        }
        impl $trait<Tracer> for Tracer {
            type Output = Tracer;
            #[track_caller]
            fn $method(self, other: Tracer) -> Tracer {
                (&self).$method(&other)
            }
        }
        impl $trait<&Tracer> for Tracer {
            type Output = Tracer;
            #[track_caller]
            fn $method(self, other: &Tracer) -> Tracer {
                (&self).$method(other)
            }
        }
        impl $trait<Tracer> for &Tracer {
            type Output = Tracer;
            #[track_caller]
            fn $method(self, other: Tracer) -> Tracer {
                self.$method(&other)
            }
        }
        impl $trait<f64> for &Tracer {
            type Output = Tracer;
            fn $method(self, other: f64) -> Tracer {
                self.$method(&self.lift(other))
            }
        }
        impl $trait<f64> for Tracer {
            type Output = Tracer;
            fn $method(self, other: f64) -> Tracer {
                (&self).$method(other)
            }
        }
        impl $trait<&Tracer> for f64 {
            type Output = Tracer;
            fn $method(self, other: &Tracer) -> Tracer {
                (&other.lift(self)).$method(other)
            }
        }
        impl $trait<Tracer> for f64 {
            type Output = Tracer;
            fn $method(self, other: Tracer) -> Tracer {
                self.$method(&other)
            }
        }
    };
}

operator!(Add add "+", |a, b| a + b);
operator!(Sub sub "-", |a, b| a - b);
operator!(Mul mul "*", |a, b| a * b);
operator!(Div div "/", |a, b| a / b);

impl Neg for &Tracer {
    type Output = Tracer;
    fn neg(self) -> Tracer {
        if self.void { self.clone() } else { self.wrap(&-self.aligned_right()) }
    }
}

impl Neg for Tracer {
    type Output = Tracer;
    fn neg(self) -> Tracer {
        -&self
    }
}
