//! A function that is checked, as each kind of number sees it.

use crate::error::Result;
use crate::scalar::{Dual, Rule, Segment, Var, call};

/// A function on plain numbers, in both modes, and in both inside both.
pub(super) trait Subject {
    fn plain(&self, x: &[f64]) -> Result<Vec<f64>>;
    fn forward(&self, x: &[Dual]) -> Result<Vec<Dual>>;
    fn reverse(&self, x: &[Var]) -> Result<Vec<Var>>;
    fn forward_over_forward(&self, x: &[Dual<Dual>]) -> Result<Vec<Dual<Dual>>>;
    fn forward_over_reverse(&self, x: &[Var<Dual>]) -> Result<Vec<Var<Dual>>>;
    fn reverse_over_forward(&self, x: &[Dual<Var>]) -> Result<Vec<Dual<Var>>>;
    fn reverse_over_reverse(&self, x: &[Var<Var>]) -> Result<Vec<Var<Var>>>;
}

/// Implements all of it by the same call.
macro_rules! subject {
    ($([$kind:ident: $bound:ident] $subject:ty, $run:ident;)*) => {$(
        impl<$kind: $bound> Subject for $subject {
            fn plain(&self, x: &[f64]) -> Result<Vec<f64>> { $run(self.0, x) }
            fn forward(&self, x: &[Dual]) -> Result<Vec<Dual>> { $run(self.0, x) }
            fn reverse(&self, x: &[Var]) -> Result<Vec<Var>> { $run(self.0, x) }
            fn forward_over_forward(&self, x: &[Dual<Dual>]) -> Result<Vec<Dual<Dual>>> { $run(self.0, x) }
            fn forward_over_reverse(&self, x: &[Var<Dual>]) -> Result<Vec<Var<Dual>>> { $run(self.0, x) }
            fn reverse_over_forward(&self, x: &[Dual<Var>]) -> Result<Vec<Dual<Var>>> { $run(self.0, x) }
            fn reverse_over_reverse(&self, x: &[Var<Var>]) -> Result<Vec<Var<Var>>> { $run(self.0, x) }
        }
    )*};
}
#[cfg(feature = "program")]
pub(super) use subject;

/// A function generic over [`Scalar`](crate::Scalar).
pub(super) struct Function<'a, F>(pub(super) &'a F);

/// A function with derivatives of the user's own.
pub(super) struct Ruled<'a, R>(pub(super) &'a R);

#[expect(clippy::unnecessary_wraps, reason = "a rule may be refused")]
fn run<F: Segment, T: crate::Scalar>(function: &F, x: &[T]) -> Result<Vec<T>> {
    Ok(function.run(x))
}

subject! {
    [F: Segment] Function<'_, F>, run;
    [R: Rule] Ruled<'_, R>, call;
}
